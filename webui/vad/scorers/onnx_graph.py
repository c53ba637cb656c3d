"""Our own ONNX graph of FSMN-VAD, made from the weights of the published one.

Same arithmetic, less work than the published graph: frames are stacked within it,
normalisation (CMVN) is folded into the first layer, each FIR memory's identity
path into its last tap, and the two output layers, between which no activation
lies, into one. The streams' past are explicit inputs and outputs, and P(speech)
is the only score instead of 248 posteriors. Frames come before channels all
through, and where the FIR memories want it otherwise, the transposes stand such
that ONNX Runtime merges them with its blocked layout for convolutions, which
transposes about a one-dimensional convolution do not. docs/onnx.md compares the
graphs.

Needs the package onnx, when a graph is made and never when it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webui.model_errors import ModelError
from webui.vad.fbank import MEL_BINS
from webui.vad.frontend import CONTEXT_FRAMES, STACKED_FRAMES, Cmvn
from webui.vad.scorers.blocks import LAYERS, PAST_FRAMES

MEMORY_SIZE = 128  # channels of each FIR memory
PAST_SHAPE = (1, PAST_FRAMES, 1, MEMORY_SIZE)

# What each matrix product's input spans (its 0.01th and 99.99th percentile, the widest over
# Chinese and English talk, AMI's far-field meetings and the demo recordings), in the order of
# the computation. Fixed, not measured while it runs: so a score depends on its own frames
# alone, and any cutting of a stream gives the same scores.
_INPUT_RANGES = (
    (-8.9, 24.4),
    (-10.2, 10.9),
    (0.0, 26.6),
    (-18.9, 16.5),
    (0.0, 16.5),
    (-13.3, 14.8),
    (0.0, 12.4),
    (-11.0, 10.5),
    (0.0, 8.8),
    (-12.1, 12.4),
    (0.0, 11.1),
)
INTEGER_PRODUCTS = frozenset(range(1, len(_INPUT_RANGES)))
"""Products of the graph in 8-bit integers: all but the first (docs/onnx.md has the figures)."""

_OPSET = 17
_IR_VERSION = 8
_Array = npt.NDArray[np.float64]


def build(model_file: Path, cmvn: Cmvn, integer_products: Collection[int] = ()) -> Any:
    """Make the graph.

    Inputs: ``frames`` (n + 4, 80), log-mel energies with their context, not
    normalised, and ``past_0`` to ``past_3`` (1, 19, 1, 128). Outputs: ``speech``
    (n,), ``next_0`` to ``next_3`` (1, 19, 1, 128). All float32.

    Args:
        model_file: the published model.onnx.
        cmvn: the model's normalisation.
        integer_products: matrix products to compute in 8-bit integers, by number
            in the order of the computation, 0 to 10. The FIR memories stay in
            float32: with ONNX Runtime's integer convolution all takes several times as
            long (docs/onnx.md).

    Returns:
        An ``onnx.ModelProto``.

    Raises:
        ModelError: the file is no FSMN-VAD of the published shape.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        weights = _Weights(onnx.load(str(model_file)))
        return _Builder(weights, cmvn, integer_products).model()
    except DecodeError as error:
        raise ModelError(
            model=model_file.name,
            reason="the file is damaged or incomplete; fetch or copy it again",
            reason_zh="文件已损坏或不完整，请重新下载或复制",
        ) from error
    except (KeyError, ValueError, onnx.onnx_cpp2py_export.checker.ValidationError) as error:
        raise ModelError(
            model=model_file.name,
            reason=f"its layers are not those of FSMN-VAD ({error})",
            reason_zh=f"其结构不是 FSMN-VAD（{error}）",
        ) from error


class _Weights:
    """Layers of the published graph in the order of the computation, as float64."""

    def __init__(self, model: Any) -> None:
        from onnx import numpy_helper

        self._arrays: dict[str, _Array] = {
            item.name: numpy_helper.to_array(item).astype(np.float64)
            for item in model.graph.initializer
        }
        # The matrices have no names of their own; the nodes that use them stand in order.
        self.matrices = [
            self._arrays[name]
            for node in model.graph.node
            if node.op_type == "MatMul"
            for name in node.input
            if name in self._arrays
        ]
        shapes = [matrix.shape for matrix in self.matrices]
        wanted = [(400, 140), (140, 250), *[(250, 128), (128, 250)] * LAYERS, (250, 140)]
        if shapes != [*wanted, (140, 248)]:
            raise ValueError(f"found matrices {shapes}")

    def bias(self, name: str) -> _Array:
        return self._arrays[f"encoder.{name}.linear.bias"]

    def taps(self, layer: int) -> _Array:
        """FIR of a layer with its identity path, (channels, 1, taps, 1), oldest tap first."""
        taps = self._arrays[f"encoder.fsmn.{layer}.fsmn_block.conv_left.weight"].copy()
        taps[:, :, -1] += 1.0
        return taps


class _Builder:
    def __init__(self, weights: _Weights, cmvn: Cmvn, integer_products: Collection[int]) -> None:
        self._weights, self._cmvn, self._integer = weights, cmvn, integer_products
        self._products = 0
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self) -> Any:
        import onnx
        from onnx import TensorProto, helper

        speech = self._speech()
        past = list(PAST_SHAPE)
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            "fsmn_vad",
            [
                tensor("frames", TensorProto.FLOAT, ["frames", MEL_BINS]),
                *(tensor(f"past_{i}", TensorProto.FLOAT, past) for i in range(LAYERS)),
            ],
            [
                tensor(speech, TensorProto.FLOAT, ["scores"]),
                *(tensor(f"next_{i}", TensorProto.FLOAT, past) for i in range(LAYERS)),
            ],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        onnx.checker.check_model(model)
        return model

    def _speech(self) -> str:
        weights, matrices = self._weights, self._weights.matrices
        shift, scale = (np.asarray(a, np.float64) for a in (self._cmvn.shift, self._cmvn.scale))
        first = matrices[0] * scale[:, None]
        bias = weights.bias("in_linear1") + (shift * scale) @ matrices[0]
        hidden = self._linear(self._stacked(), first, bias)
        hidden = self._relu(self._linear(hidden, matrices[1], weights.bias("in_linear2")))
        for layer in range(LAYERS):
            memory = self._memory(self._linear(hidden, matrices[2 + 2 * layer]), layer)
            bias = weights.bias(f"fsmn.{layer}.affine")
            hidden = self._relu(self._linear(memory, matrices[3 + 2 * layer], bias))
        last = matrices[10] @ matrices[11]
        bias = weights.bias("out_linear1") @ matrices[11] + weights.bias("out_linear2")
        posteriors = self._node("Softmax", [self._linear(hidden, last, bias)], axis=1)
        silence = self._node("Slice", [posteriors, *self._ints([0], [1], [1])])
        silence = self._node("Squeeze", [silence, *self._ints([1])])
        one = self._constant(np.array(1.0, np.float32))
        return self._node("Sub", [one, silence], output="speech")

    def _stacked(self) -> str:
        """Each frame with its neighbours: (n + 4, 80) -> (n, 400)."""
        end = np.iinfo(np.int64).max
        shifted = []
        for shift in range(STACKED_FRAMES):
            missing = shift - 2 * CONTEXT_FRAMES
            bounds = self._ints([shift], [missing if missing else end], [0])
            shifted.append(self._node("Slice", ["frames", *bounds]))
        return self._node("Concat", shifted, axis=1)

    def _memory(self, hidden: str, layer: int) -> str:
        """FIR over time of each channel: (n, 128) -> (n, 128)."""
        axes = self._ints([0, 2])
        line = self._node("Unsqueeze", [hidden, *axes])
        line = self._node("Concat", [f"past_{layer}", line], axis=1)
        end = np.iinfo(np.int64).max
        self._node("Slice", [line, *self._ints([-PAST_FRAMES], [end], [1])], output=f"next_{layer}")
        channels = self._node("Transpose", [line], perm=[0, 3, 1, 2])
        taps = self._constant(self._weights.taps(layer).astype(np.float32))
        filtered = self._node("Conv", [channels, taps], group=MEMORY_SIZE)
        filtered = self._node("Transpose", [filtered], perm=[0, 2, 3, 1])
        return self._node("Squeeze", [filtered, *axes])

    def _linear(self, value: str, matrix: _Array, bias: _Array | None = None) -> str:
        number, self._products = self._products, self._products + 1
        if number in self._integer:
            product = self._integer_product(value, matrix, *_INPUT_RANGES[number])
        else:
            product = self._node("MatMul", [value, self._constant(matrix.astype(np.float32))])
        if bias is None:
            return product
        return self._node("Add", [product, self._constant(bias.astype(np.float32))])

    def _integer_product(self, value: str, matrix: _Array, low: float, high: float) -> str:
        """``value @ matrix`` with 8 bits for the values and 7 for each column of the matrix.

        Seven, since processors without VNNI add pairs of products in 16 bits.
        """
        step = (high - low) / 255
        zero = round(-low / step)
        steps = np.abs(matrix).max(axis=0) / 63
        scale = self._constant(np.array(step, np.float32))
        middle = self._constant(np.array(zero, np.uint8))
        integers = self._constant(np.rint(matrix / steps).astype(np.int8))
        value = self._node("QuantizeLinear", [value, scale, middle])
        product = self._node("MatMulInteger", [value, integers, middle])
        product = self._node("Cast", [product], to=1)  # TensorProto.FLOAT
        return self._node("Mul", [product, self._constant((step * steps).astype(np.float32))])

    def _relu(self, value: str) -> str:
        return self._node("Relu", [value])

    def _ints(self, *lists: Sequence[int]) -> list[str]:
        return [self._constant(np.array(values, np.int64)) for values in lists]

    def _constant(self, array: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name
