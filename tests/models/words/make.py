"""Makes the model of the tests: every token has four small whole numbers of its own, so that the vectors of
short texts are the same on every machine. Run with the packages `onnx==1.23.2` and `numpy`."""

import hashlib
import json
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
WORDS = """a an and are at away back bill blue box broken came card change charged customer damaged day
delivery does door fast for form good green happy has here how i in is it late left letter light locked lost
mail me missing money more my new not now of on one open order our out over paid parcel password pay phone
please quick red refund reset returned service shop slow small so soon still the their they this to today
twice two up wants was we week went when where with wrong yesterday you your . , ! ? < > : -""".split()
SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]


def tokenizer():
    vocabulary = {word: at for at, word in enumerate(SPECIAL + WORDS)}
    special = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    added = [
        {"id": at, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for at, name in enumerate(SPECIAL)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]")],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {
                name: {"id": name, "ids": [SPECIAL.index(name)], "tokens": [name]} for name in SPECIAL[1:]
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }


def graph():
    count = len(SPECIAL) + len(WORDS)
    rows = [[at * 7 % 11 - 5, at * 5 % 13 - 6, at * 3 % 7 - 3, at * 11 % 17 - 8] for at in range(count)]
    table = numpy_helper.from_array(numpy.array(rows, dtype=numpy.float32), "table")
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", "tokens", 4])
    node = helper.make_node("Gather", ["table", "input_ids"], ["vectors"])
    made = helper.make_graph([node], "words", [ids], [vectors], [table])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def entry(name):
    data = (HERE / name).read_bytes()
    return f"  - {{name: {name}, sha256: {hashlib.sha256(data).hexdigest()}, bytes: {len(data)}}}\n"


(HERE / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")
onnx.save(graph(), HERE / "model.onnx")
(HERE / "manifest.yaml").write_text(
    "name: words\nversion: '1'\ntask: embed\nlicence: Apache-2.0\nabout: the model of the tests\n"
    "pooling: mean\nnormalize: true\ndimensions: 4\nmax_tokens: 32\noverlap_tokens: 4\nindependent: true\n"
    "files:\n" + entry("model.onnx") + entry("tokenizer.json")
)
