"""The engine's store and Files API: strict validation, a socket, several threads and processes."""

import io
import sqlite3
import subprocess
import sys
import threading
import time

import anyio
import httpx2
import openai
import pytest
from tuning_fakes import client_on

from helpers import engine
from helpers.engine import files, serve
from helpers.engine import store as stores
from helpers.engine.app import create_app
from helpers.engine.errors import ApiError
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport

ROW = b'{"prompt": "Good tea ->", "completion": " positive"}\n'


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "engine", synced=False)


@pytest.fixture
def client(store) -> openai.OpenAI:
    return client_on(store)


def upload(client, content=ROW, name="train.jsonl", **options):
    return client.files.create(file=(name, content), **({"purpose": "fine-tune"} | options))


class TestFiles:
    def test_upload_in_every_way(self, client, tmp_path):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(ROW)
        with path.open("rb") as stream:
            ways = [
                path,
                stream,
                ROW,
                ("named.jsonl", ROW),
                ("typed.jsonl", io.BytesIO(ROW), "application/jsonl"),
            ]
            uploaded = [client.files.create(file=way, purpose="fine-tune") for way in ways]
        names = ["rows.jsonl", "rows.jsonl", "upload", "named.jsonl", "typed.jsonl"]
        assert [file.filename for file in uploaded] == names
        assert {file.bytes for file in uploaded} == {len(ROW)}
        assert {(file.status, file.purpose, file.expires_at) for file in uploaded} == {
            ("processed", "fine-tune", None)
        }
        assert len({file.id for file in uploaded}) == 5

    def test_what_was_uploaded_comes_back(self, client):
        content = bytes(range(256)) * 5_000 + "후기".encode()
        file = upload(client, content, "커피 후기.jsonl")
        assert file.filename == "커피 후기.jsonl"
        answer = client.files.content(file.id)
        assert answer.read() == content
        assert answer.response.headers["content-type"] == "application/octet-stream"
        assert client.files.retrieve(file.id) == file == client.files.wait_for_processing(file.id)

    def test_an_empty_file_is_kept(self, client):
        assert client.files.content(upload(client, b"").id).read() == b""

    def test_list_by_purpose_order_and_page(self, client):
        ids = [upload(client, name=f"{i}.jsonl").id for i in range(5)]
        others = [upload(client, purpose=purpose).id for purpose in ("batch", "user_data")]
        assert [file.id for file in client.files.list()] == [*others[::-1], *ids[::-1]]
        assert [file.id for file in client.files.list(purpose="fine-tune", order="asc")] == ids
        page = client.files.list(purpose="fine-tune", order="asc", limit=2)
        assert [file.id for file in page.data] == ids[:2]
        assert page.has_more
        assert [file.id for file in page] == ids  # turns the pages by itself
        assert client.files.list(after=ids[1], order="asc", limit=1).data[0].id == ids[2]
        assert client.files.list(purpose="evals").data == []

    def test_delete(self, client, store):
        file = upload(client)
        assert client.files.delete(file.id).deleted
        for call in (client.files.retrieve, client.files.content, client.files.delete):
            with pytest.raises(openai.NotFoundError, match=file.id):
                call(file.id)
        assert list(store.blob_path("").iterdir()) == []

    def test_expiry(self, client, store):
        anchor = {"anchor": "created_at", "seconds": 3_600}
        file = upload(client, expires_after=anchor)
        assert file.expires_at == file.created_at + 3_600
        assert upload(client, purpose="batch").expires_at - file.created_at >= files.BATCH_KEPT
        with store.writing() as transaction:
            transaction._connection.execute(
                "UPDATE objects SET expires = ? WHERE id = ?", (int(time.time()), file.id)
            )
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(file.id)
        assert len(list(client.files.list())) == 1
        client_on(Store(store.folder)).files.list()  # reading removes nothing
        assert len(list(store.blob_path("").iterdir())) == 2
        upload(client_on(Store(store.folder)))  # the first change that a process makes does
        assert len(list(store.blob_path("").iterdir())) == 2

    @pytest.mark.parametrize(
        ("name", "kept"),
        [("../../etc/passwd", "passwd"), ("C:\\data\\a.jsonl", "a.jsonl"), ("/", "upload"), ("..", "upload"),
         ("a\u0007b.jsonl", "ab.jsonl"), ("x" * 300, "x" * 255)],
    )  # fmt: skip
    def test_names_lose_their_paths(self, name, kept):
        assert files.without_path(name) == kept

    @pytest.mark.parametrize(
        ("options", "param"),
        [
            ({"purpose": "evals"}, "purpose"),
            ({"purpose": "assistants"}, "purpose"),
            ({"purpose": ""}, "purpose"),
            ({"expires_after": {"anchor": "created_at", "seconds": 10}}, "expires_after[seconds]"),
            ({"expires_after": {"anchor": "created_at", "seconds": "soon"}}, "expires_after[seconds]"),
            ({"expires_after": {"anchor": "now", "seconds": 3_600}}, "expires_after[anchor]"),
        ],
    )
    def test_refused_uploads_name_the_parameter(self, client, store, options, param):
        with pytest.raises(openai.BadRequestError) as caught:
            upload(client, **options)
        assert caught.value.param == param
        assert not store.folder.exists()

    def test_an_upload_without_a_file(self, store):
        with httpx2.Client(transport=EngineTransport(create_app(store=store))) as http:
            answer = http.post(f"{engine.BASE_URL}/files", data={"purpose": "fine-tune"})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "file"

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"after": "file-x"}])
    def test_refused_lists(self, client, query):
        with pytest.raises(openai.BadRequestError) as caught:
            client.files.list(**query)
        assert caught.value.param == next(iter(query))

    def test_uploads_may_be_larger_than_other_bodies(self, store):
        app = create_app(store=store)
        app.config["MAX_CONTENT_LENGTH"] = 1_000
        client = openai.OpenAI(
            base_url=engine.BASE_URL,
            api_key="none",
            http_client=httpx2.Client(transport=EngineTransport(app)),
        )
        assert upload(client, b"x" * 600_000).bytes == 600_000
        with pytest.raises(openai.APIStatusError) as caught:
            client.embeddings.create(model="wordllama-256", input="x" * 2_000)
        assert caught.value.status_code == 413

    def test_too_large_a_file(self, client, monkeypatch):
        monkeypatch.setattr(files, "LARGEST", 1_000)
        with pytest.raises(openai.APIStatusError) as caught:
            upload(client, b"x" * 2 * 2**20)
        assert caught.value.status_code == 413
        assert "larger than" in caught.value.message

    def test_async_and_socket(self, store):
        server = serve.start_in_background(app=create_app(store=store))
        url = f"http://{serve.ADDRESS}:{server.server_port}/v1"

        async def use(client):
            async with client:
                file = await client.files.create(file=("a.jsonl", ROW * 20_000), purpose="fine-tune")
                content = await client.files.content(file.id)
                assert content.read() == ROW * 20_000
                assert (await client.files.list(limit=1)).data[0].id == file.id
                assert (await client.files.delete(file.id)).deleted

        options = {"api_key": "none", "_strict_response_validation": True}
        in_process = httpx2.AsyncClient(transport=EngineTransport(create_app(store=store)))
        try:
            anyio.run(use, openai.AsyncOpenAI(base_url=url, **options))
            anyio.run(use, openai.AsyncOpenAI(base_url=engine.BASE_URL, http_client=in_process, **options))
            with openai.OpenAI(base_url=url, **options) as remote:
                assert remote.files.content(upload(remote).id).text == ROW.decode()
        finally:
            server.shutdown()
            server.server_close()

    def test_names_that_are_no_id(self, client):
        for name in ("커피", "café", "☕", "%ED%A0%80"):
            for call in (client.files.retrieve, client.models.retrieve):
                with pytest.raises(openai.NotFoundError) as caught:
                    call(name)
                assert repr(name) in caught.value.message

    def test_a_disk_that_takes_no_more(self, client, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files.shutil, "copyfileobj", full)
        with pytest.raises(openai.InternalServerError, match="No space left"):
            upload(client)


class TestStore:
    def test_reading_makes_no_folder(self, store):
        assert store.all("file") == []
        assert store.get("file", "x") is None
        assert not store.folder.exists()

    def test_objects_come_in_the_order_in_which_they_were_made(self, store):
        with store.writing() as transaction:
            for i in range(3):
                transaction.add("thing", {"id": str(i), "text": "차"}, parent="p" if i else "")
        assert [each["id"] for each in store.all("thing")] == ["0", "1", "2"]
        assert [each["id"] for each in store.all("thing", "p", newest_first=True)] == ["2", "1"]
        assert store.get("thing", "1") == {"id": "1", "text": "차"}
        assert store.get("other", "1") is None

    def test_what_fails_changes_nothing(self, store):
        with pytest.raises(ZeroDivisionError), store.new_blobs() as new_blob, store.writing() as transaction:
            path = store.blob_path(new_blob())
            path.parent.mkdir(parents=True)
            path.write_bytes(b"half")
            transaction.add("thing", {"id": "1"})
            raise ZeroDivisionError
        assert store.all("thing") == []
        assert not path.exists()

    def test_no_object_has_half_a_character_in_its_id(self, store):
        with store.writing() as transaction:
            assert not transaction.delete("thing", "\ud800")
        assert store.get("thing", "\ud800") is None

    def test_a_folder_stays_where_it_was(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert Store("engine").folder == tmp_path / "engine"

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ApiError, match="cannot be used"), Store(tmp_path / "file" / "engine").writing():
            pass

    def test_what_sqlite_took_back_itself(self, store):
        with pytest.raises(ZeroDivisionError), store.writing() as transaction:
            transaction._connection.execute("ROLLBACK")
            raise ZeroDivisionError

    def test_change(self, store):
        with store.writing() as transaction:
            transaction.add("thing", {"id": "1", "count": 0})
        assert store.change("thing", "1", lambda found: found.update(count=5)) == {"id": "1", "count": 5}
        assert store.get("thing", "1")["count"] == 5
        assert store.change("thing", "2", lambda found: found.update(count=5)) is None

    def test_private_keys_are_not_shown(self):
        assert stores.public({"id": "1", "_blob": "x"}) == {"id": "1"}

    def test_threads_and_stores_lose_no_change(self, store):
        with store.writing() as transaction:
            transaction.add("thing", {"id": "1", "count": 0})

        def count(own: Store) -> None:
            for _ in range(25):
                own.change("thing", "1", lambda found: found.update(count=found["count"] + 1))

        own_stores = [Store(store.folder, synced=False) for _ in range(4)]
        threads = [threading.Thread(target=count, args=(own,)) for own in own_stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.get("thing", "1")["count"] == 100

    def test_processes_begin_one_store_together(self, store):
        code = (
            "import sys; from helpers.engine.store import Store, new_id\n"
            "for _ in range(20):\n"
            "    with Store(sys.argv[1]).writing() as transaction:\n"
            "        transaction.add('thing', {'id': new_id('')})"
        )
        children = [subprocess.Popen([sys.executable, "-c", code, store.folder]) for _ in range(3)]
        assert [child.wait(timeout=60) for child in children] == [0, 0, 0]
        assert len(store.all("thing")) == 60

    def test_orphans_go_when_they_are_old(self, store, monkeypatch):
        path = store.blob_path("orphan")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"left by a killed process")
        with Store(store.folder).writing():
            pass
        assert path.exists()
        monkeypatch.setattr(stores, "ORPHANED_AFTER", -1)
        with Store(store.folder).writing():
            pass
        assert not path.exists()

    def test_a_damaged_store_says_so(self, store):
        store.folder.mkdir()
        (store.folder / "objects.sqlite").write_bytes(b"no database " * 100)
        with pytest.raises(ApiError, match="may be deleted") as caught:
            store.all("file")
        assert caught.value.status == 500

    def test_a_store_of_a_later_version_is_left_alone(self, store):
        store.folder.mkdir()
        connection = sqlite3.connect(store.folder / "objects.sqlite")
        connection.execute("PRAGMA user_version = 2")
        connection.close()
        with pytest.raises(ApiError, match="knows 1"):
            store.all("file")
