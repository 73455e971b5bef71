"""Our training rows in other hands: TRL's own checks, and a LoRA on Gemma 3 270M with PEFT, on the CPU.

In an environment of its own (1.5 GB):
    python -m pip install -r requirements.txt -r requirements-llm.txt -r tests/requirements-lora.txt
    python tests/benchmarks/lora_on_our_file.py formats       TRL reads every form that helpers.jsonl writes
    python tests/benchmarks/lora_on_our_file.py train [--store] [--rows 160] [--threads 2]

`formats` writes rows with `helpers.jsonl`, loads the file with `datasets` and has `SFTTrainer` train a step
on it, with a tiny untrained model. `train` takes the bundled sample's reviews as local_llm_sentiment.py
splits them (as many bad as good to learn from), writes prompt/completion rows, trains a LoRA on them, one
pass, and tests on the same 100 reviews: is " positive" likelier than " negative"? Before and after. `--store`
adds both to data/local_llm_results.csv. The model is the four-bit file, turned into ordinary numbers again.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import SFTConfig, SFTTrainer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import local_llm_sentiment as sentiment  # noqa: E402

from helpers import jsonl, local_llm, reviews  # noqa: E402

BEFORE, AFTER = "Gemma 3 270M, no examples", "Gemma 3 270M, LoRA on our JSONL"
SEPARATOR = "\n\nSentiment:"
WORDS = 40
LORA = LoraConfig(
    r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"
)
CHAT = "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '\n' }}{% endfor %}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["formats", "train"])
    parser.add_argument("--rows", type=int, default=160)
    parser.add_argument("--tested", type=int, default=sentiment.TESTED, help="fewer, for a try")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.what == "formats":
        formats()
    else:
        train(options.rows, options.tested, options.store)


def configuration(folder: str, **more) -> SFTConfig:
    """What `train` uses. On a prompt/completion file TRL counts the loss of the completion only."""
    return SFTConfig(
        output_dir=folder, num_train_epochs=1, per_device_train_batch_size=8, learning_rate=5e-4,
        lr_scheduler_type="linear", warmup_steps=2, max_length=256, bf16=False, use_cpu=True, seed=0,
        gradient_checkpointing=False, report_to="none", save_strategy="no", logging_steps=5, **more,
    )  # fmt: skip


def model_and_tokenizer():
    path = local_llm.assemble()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    return model, tokenizer


def formats() -> None:
    """Each form through `jsonl.write`, `datasets` and `SFTTrainer`; prints what is counted in the loss."""
    path = local_llm.assemble()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.chat_template = CHAT  # a base model has none
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    tiny = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **size))
    pair = {"prompt": "Stale biscuits.\n\nSentiment:", "completion": " negative"}
    for form in ("pairs", "chat", "dialogue"):
        row = pair if form == "pairs" else jsonl.convert(pair, form)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.jsonl"
            jsonl.write(file, [row] * 8)
            data = load_dataset("json", data_files=str(file), split="train", cache_dir=folder)
            trainer = SFTTrainer(
                tiny, configuration(folder, max_steps=1), train_dataset=data, processing_class=tokenizer
            )
            batch = next(iter(trainer.get_train_dataloader()))
            counted = batch["labels"][0][batch["labels"][0] != -100]
            trainer.train()
            print(f"{form:9} {sorted(data.column_names)} trained; in the loss: {tokenizer.decode(counted)!r}")


def train(rows: int, tested: int, store: bool) -> None:
    learn, test = sentiment.parts(reviews.load("sample"))
    test = test.groupby("positive").head(tested // 2)
    random = np.random.default_rng(0)
    some = np.concatenate(
        [random.permutation(np.flatnonzero(learn.positive == kind))[: rows // 2] for kind in (False, True)]
    )
    chosen = learn.iloc[random.permutation(some)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sentiment.jsonl"
        jsonl.write(file, [
            {"prompt": prompt(text), "completion": " positive" if positive else " negative"}
            for text, positive in zip(chosen.text, chosen.positive)
        ])  # fmt: skip
        data = load_dataset("json", data_files=str(file), split="train", cache_dir=folder)
        model, tokenizer = model_and_tokenizer()
        before = scores(model, tokenizer, test.text)
        started = time.perf_counter()
        trainer = SFTTrainer(
            model, configuration(folder), train_dataset=data, processing_class=tokenizer, peft_config=LORA
        )
        trainer.model.print_trainable_parameters()
        trainer.train()
        print(f"trained on {len(data)} rows in {time.perf_counter() - started:.0f} s")
        after = scores(trainer.model, tokenizer, test.text)
    truth = test.positive.to_numpy()
    table = pd.DataFrame(
        [sentiment.row(BEFORE, 0, truth, [before]), sentiment.row(AFTER, len(data), truth, [after])]
    ).assign(data="sample")
    print(table.to_string(index=False))
    if store:
        sentiment.store(table)


def prompt(text: str) -> str:
    return " ".join(text.split()[:WORDS]) + SEPARATOR


@torch.no_grad()
def scores(model, tokenizer, texts: pd.Series) -> np.ndarray:
    """For each text: log P(" positive") - log P(" negative") after its prompt."""
    positive, negative = (
        tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in (" positive", " negative")
    )
    model.eval()
    found = []
    for text in texts:
        last = model(**tokenizer(prompt(text), return_tensors="pt"), logits_to_keep=1).logits[0, -1]
        found.append(float(last[positive] - last[negative]))
    return np.array(found)


if __name__ == "__main__":
    main()
