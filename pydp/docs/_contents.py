"""What has a page, and where it stands: the tables of contents, and who is missing in them.

    BOXES       parts of pydp.nn in the lecture's order; a page for each box
    FUNCTIONS   parts of pydp.ops; a page for each file, a section for each function
    TOPICS      everything else; a page for each line, a section for each name

Invariant: a name is public if and only if it stands here (those of pydp.ops by their file);
`placed` says which are not, and which stand here and are gone.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import pydp
import pydp.draw
from pydp import data, nn, ops, optim


class DocsError(Exception):
    """The documentation cannot be built; the message names what is at fault."""


class Page(NamedTuple):
    """A page: its path without ending, its title, and the public names that it tells of."""

    path: str
    title: str
    names: tuple[str, ...]


class Part(NamedTuple):
    """Pages that stand together, in reading order."""

    path: str
    title: str
    pages: tuple[Page, ...]


# Of several names of one box the first is the page's.
BOXES = {
    "steps": ("Steps of processing", "FeedForward Linear Autoencoder Dropout"),
    "images": (
        "Images",
        "Conv2d=Conv MaxPool2d=MaxPool AlexNet LeNet ConvNetJS VGG ResNet",
    ),
    "sequences": (
        "Tokens and sequences",
        "Embedding=EmbedToken SequenceModel SequenceRNN RNN=SimpleRNN RNNCell LSTM LSTMCell "
        "GRU GRUCell",
    ),
    "attention": (
        "Attention",
        "Attention SelfAttention Past CrossAttention MultiheadAttention BahdanauAttention "
        "LuongAttention",
    ),
    "transformers": (
        "Transformers",
        "LayerNorm AddNorm Residual TransformerBlock LearnedPositions SinusoidalPositions "
        "RotaryPositions Transformer BERTEmbedding BERT BERTPretraining",
    ),
    "language": (
        "Language models and translation",
        "Collapse GenerateToken LanguageModel GPT Decoder BahdanauDecoder LuongDecoder "
        "TransformerDecoderBlock TransformerDecoder SequenceToSequence",
    ),
    "composition": (
        "Boxes of boxes",
        "Module Parameter Sequential share Parallel Lift Call Identity ModuleList ModuleDict",
    ),
    "layers": (
        "More layers",
        "Conv1d ConvTranspose1d ConvTranspose2d MaxPool1d AvgPool1d AvgPool2d AdaptiveAvgPool1d "
        "AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d Flatten Unfold Fold Upsample "
        "BatchNorm1d BatchNorm2d GroupNorm InstanceNorm2d RMSNorm LocalResponseNorm ZeroPad1d "
        "ZeroPad2d ConstantPad1d ConstantPad2d ReflectionPad1d ReflectionPad2d ReplicationPad1d "
        "ReplicationPad2d CircularPad1d CircularPad2d",
    ),
    "activations": (
        "Activations",
        "ReLU ReLU6 LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Sigmoid Tanh LogSigmoid Softplus "
        "Softsign Softmax Softmin LogSoftmax GLU Tanhshrink Hardshrink Softshrink Hardsigmoid "
        "Hardswish Hardtanh Threshold",
    ),
    "losses": (
        "Losses",
        "CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss MSELoss L1Loss SmoothL1Loss HuberLoss "
        "KLDivLoss GaussianNLLLoss PoissonNLLLoss CTCLoss CosineSimilarity PairwiseDistance "
        "CosineEmbeddingLoss HingeEmbeddingLoss MarginRankingLoss TripletMarginLoss",
    ),
}

FUNCTIONS = {
    "elements": ("Elements", "math rounding trigonometry logic where"),
    "activation": ("Activations and norms as functions",
                   "activation piecewise softmax dropout layer_norm batch_norm group_norm "
                   "local_response_norm"),
    "products": ("Products", "matmul tensordot einsum"),
    "shapes": ("Shapes and places",
               "shape flatten broadcast join index take diagonal tril pad"),
    "sums": ("Sums and order", "reduce reduce_derived scan sort vector_norm"),
    "signals": ("Images and signals as functions",
                "conv1d conv2d conv_transpose1d conv_transpose2d max_pool1d max_pool2d avg_pool1d "
                "avg_pool2d adaptive_pool1d adaptive_pool2d interpolate unfold"),
    "steps": ("Tokens and sequences as functions", "embedding attention rnn lstm gru"),
    "loss": ("Losses as functions",
             "cross_entropy linear_cross_entropy loss likelihood margin_loss ctc_loss"),
    "random": ("Random tensors", "sample"),
}  # fmt: skip

# Of files with several functions.
TITLES = {
    "math": "Arithmetic, powers, exponentials", "rounding": "To whole numbers",
    "trigonometry": "Angles and hyperbolic functions", "logic": "Truths and bits",
    "activation": "Smooth activations", "piecewise": "Activations of straight pieces",
    "tensordot": "Sums of products", "shape": "The same elements in another shape",
    "broadcast": "Shapes brought together", "join": "Joining and repeating",
    "index": "Indexing", "reduce": "Sum, mean, max, min", "reduce_derived": "More reductions",
    "scan": "Cumulative functions", "sort": "Order and sets", "sample": "Random tensors",
    "loss": "Losses of two tensors of one shape", "likelihood": "Losses that are likelihoods",
    "margin_loss": "Similarities, distances, margins",
}  # fmt: skip

TOPICS = {
    "tensors": ("Tensors and gradients", {
        "tensor": ("Tensors", "pydp.Tensor pydp.tensor pydp.asarray pydp.from_dlpack"),
        "creation": ("New tensors",
                     "pydp.zeros pydp.ones pydp.full pydp.empty pydp.zeros_like pydp.ones_like "
                     "pydp.full_like pydp.empty_like pydp.arange pydp.linspace pydp.eye"),
        "dtypes": ("Types of numbers, and constants",
                   "pydp.float32 pydp.float64 pydp.bool pydp.int8 pydp.int16 pydp.int32 pydp.int64 "
                   "pydp.uint8 pydp.uint16 pydp.uint32 pydp.uint64 pydp.finfo pydp.iinfo "
                   "pydp.can_cast pydp.isdtype pydp.result_type pydp.pi pydp.e pydp.inf pydp.nan "
                   "pydp.newaxis"),
        "gradients": ("Gradients",
                      "pydp.grad pydp.value_and_grad pydp.vjp pydp.jvp pydp.hvp pydp.jacobian "
                      "pydp.hessian pydp.no_grad pydp.enable_grad pydp.is_recording pydp.remat "
                      "pydp.Function pydp.check_gradients"),
        "random_numbers": ("Random numbers",
                           "pydp.manual_seed pydp.Generator pydp.rand pydp.randn pydp.randint"),
        "machine": ("Threads and instruction sets",
                    "pydp.get_num_threads pydp.set_num_threads pydp.isa pydp.select_isa"),
    }),
    "training": ("Training", {
        "optimizers": ("Optimizers",
                       "optim.SGD optim.Adam optim.AdamW optim.Adamax optim.RMSprop optim.Adagrad "
                       "optim.Adadelta optim.Optimizer optim.ParameterGroup"),
        "initial_values": ("Initial values",
                           "nn.init.uniform_ nn.init.normal_ nn.init.trunc_normal_ "
                           "nn.init.constant_ nn.init.zeros_ nn.init.ones_ nn.init.xavier_uniform_ "
                           "nn.init.xavier_normal_ nn.init.kaiming_uniform_ "
                           "nn.init.kaiming_normal_ nn.init.orthogonal_ nn.init.calculate_gain"),
        "utilities": ("Modules as functions, and their gradients",
                      "pydp.functional_call nn.utils.clip_grad_norm_ nn.utils.clip_grad_value_"),
        "data": ("Data", "data.digits data.Split data.Batches data.DataError"),
        "files": ("Files", "pydp.save pydp.load pydp.CheckpointError"),
    }),
    "types_and_pictures": ("Types checked, and pictures", {
        "check": ("Types proved", "pydp.check pydp.debug"),
        "draw": ("Diagrams and tables", "draw.diagram draw.Diagram draw.summary"),
    }),
}  # fmt: skip

MODULES = {
    "pydp": pydp,
    "nn": nn,
    "nn.init": nn.init,
    "nn.utils": nn.utils,
    "optim": optim,
    "draw": pydp.draw,
    "data": data,
}


def public() -> dict[str, Any]:
    """Every public name, such as "nn.Linear" or "pydp.exp", with what it is."""
    found: dict[str, Any] = {}
    for place, module in MODULES.items():
        found |= {f"{place}.{name}": value for name, value in _members(module)}
    return found


def _members(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """A package says all that it has; a plain module also holds what it imports."""
    is_package = hasattr(module, "__path__")
    for name in dir(module):
        value = getattr(module, name)
        own = is_package or getattr(value, "__module__", None) == module.__name__
        if name[0] != "_" and not inspect.ismodule(value) and own:
            yield name, value


def full(name: str) -> str:
    """As one writes it: nn.Linear -> pydp.nn.Linear."""
    return name if name.startswith("pydp.") else f"pydp.{name}"


def contents() -> list[Part]:
    """All parts and pages, in reading order; DocsError where a name has no place or no longer
    exists."""
    names = public()
    parts = [*_boxes(), *_functions(names), *_topics()]
    placed = [name for part in parts for page in part.pages for name in page.names]
    complaints = [f"{full(name)}: a public name in no part of the documentation; put it into "
                  f"pydp/docs/_contents.py" for name in names if name not in placed]  # fmt: skip
    complaints += [f"{full(name)}: is in pydp/docs/_contents.py, but no public name"
                   for name in placed if name not in names]  # fmt: skip
    complaints += [f"{full(name)}: stands twice in pydp/docs/_contents.py"
                   for name in dict.fromkeys(placed) if placed.count(name) > 1]  # fmt: skip
    if complaints:
        raise DocsError("\n".join(complaints))
    return parts


def _boxes() -> Iterator[Part]:
    for path, (title, boxes) in BOXES.items():
        pages = []
        for box in boxes.split():
            names = box.split("=")
            pages.append(
                Page(f"nn/{names[0]}", " or ".join(names), tuple([f"nn.{n}" for n in names]))
            )
        yield Part(f"nn/{path}", title, tuple(pages))


def _functions(names: Mapping[str, Any]) -> Iterator[Part]:
    """A file of pydp.ops is a page."""
    files: dict[str, list[str]] = {}
    for name, value in names.items():
        where = getattr(value, "__module__", None) or ""
        if name.startswith("pydp.") and where.startswith(f"{ops.__name__}._"):
            files.setdefault(where.rpartition("._")[2], []).append(name)
    for path, (title, stems) in FUNCTIONS.items():
        pages = [
            Page(f"ops/{stem}", _title(stem, files.get(stem, [])), tuple(files.get(stem, [])))
            for stem in stems.split()
        ]
        yield Part(f"ops/part_{path}", title, tuple(pages))


def _title(stem: str, names: list[str]) -> str:
    return TITLES.get(stem) or ", ".join([name.removeprefix("pydp.") for name in names])


def _topics() -> Iterator[Part]:
    for path, (title, pages) in TOPICS.items():
        yield Part(
            f"api/{path}",
            title,
            tuple([Page(f"api/{p}", t, tuple(n.split())) for p, (t, n) in pages.items()]),
        )
