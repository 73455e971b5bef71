"""The same steps on a Dask cluster: processes on this machine, or any cluster's address.

    with cluster.connected() as dask:                      # WORKBOOK_DASK, else processes here
        steps.embed(parts, embedder, run=dask.each_part)

The address is the setting WORKBOOK_DASK (or an argument), such as tcp://10.0.0.5:8786. The workers there must
see the folder of the parts under the same path (a network drive) and have this project installed.

A worker that dies in the middle of a part costs the time of that part: the scheduler gives it to another
one, a part's file is there whole or not at all, and a part made twice is the same file. Left out: starting
clusters in a cloud (dask-cloudprovider, dask-kubernetes and others do), and graphs of more than one step.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from helpers import settings
from helpers.errors import HostError
from helpers.scale.parts import Parts

if TYPE_CHECKING:
    import dask.dataframe as dd
    import distributed

SECONDS_TO_CONNECT = 20
TRIES = 10  # a part that has seen so many workers die is not given to another one


@dataclasses.dataclass(frozen=True)
class Dask:
    """A cluster that has been found."""

    client: "distributed.Client"

    def each_part(
        self, step: Callable[..., Any], parts: Parts, *arguments: Any, numbers: Sequence[int]
    ) -> Iterator[Any]:
        """As `steps.each_part`, on all workers at once; results come as they are ready, in any order."""
        from distributed import as_completed

        futures = self.client.map(_one, numbers, step=step, parts=parts, arguments=arguments, pure=False)
        try:
            for done in as_completed(futures):
                yield done.result()
                done.release()
        finally:
            self.client.cancel(futures)

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])


def _one(number: int, step: Callable[..., Any], parts: Parts, arguments: tuple) -> Any:
    return step(parts, number, *arguments)


def frame(parts: Parts) -> "dd.DataFrame":
    """All rows as a dask.dataframe, one partition per part: pandas' methods, nothing read until `compute`."""
    import dask.dataframe as dd

    return dd.from_map(_frame, range(len(parts)), parts=parts, meta=parts.frame(0).head(0))


def _frame(number: int, parts: Parts) -> Any:
    return parts.frame(number)


@contextlib.contextmanager
def connected(address: str | None = None, *, workers: int = 2) -> Iterator[Dask]:
    """The cluster at `address`, else at WORKBOOK_DASK, else `workers` processes here while the block lasts.

    Raises HostError when nobody answers at the address.
    """
    import dask
    from distributed import Client

    address = address or settings.get("WORKBOOK_DASK")
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            dask.config.set(
                {
                    "distributed.scheduler.allowed-failures": TRIES,
                    "distributed.worker.daemon": True,
                    "dataframe.convert-string": False,
                }
            )
        )
        if address is None:
            cluster = stack.enter_context(_local(workers))
            yield Dask(stack.enter_context(Client(cluster)))
            return
        try:
            client = stack.enter_context(Client(address, timeout=SECONDS_TO_CONNECT))
        except (OSError, ValueError) as error:
            raise HostError(
                f"No Dask cluster answers at {address} within {SECONDS_TO_CONNECT} s. Check the address in "
                "WORKBOOK_DASK, or take the setting away to use processes on this machine."
            ) from error
        yield Dask(client)


def _local(workers: int) -> "distributed.LocalCluster":
    """Processes on this machine, each with one thread, without the dashboard."""
    import logging

    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )
