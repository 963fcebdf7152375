"""Nets in OpenVINO: the fastest runtime on a CPU, and one that needs no torch."""

import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from ferstream.workers.models.card import ONNX, ModelCard, ModelError
from ferstream.workers.models.runtimes.runtime import Batch, Outputs, Precision


class OpenVinoRuntime:
    """A net on the CPU. Up to `threads` callers compute side by side, a core each.

    In bfloat16 a face costs half on a processor that computes it natively; two emotions that are nearly as likely may then
    change places. Raises ModelError where the weights are missing, altered, or not readable.
    """

    device = "cpu"
    library = "openvino"

    def __init__(self, card: ModelCard, folder: Path, *, threads: int = 1, precision: Precision = "f32") -> None:
        self.precision: str = precision
        self._core = _core()
        try:
            # From memory: what is compiled is what the digest was taken of.
            self._model = self._core.read_model(card.weights(folder, ONNX))
        except RuntimeError as error:
            raise ModelError(f"{folder / ONNX} is no ONNX model: {str(error).splitlines()[0]}") from error
        names = [output.get_any_name() for output in self._model.outputs]
        if names[0] != "logits":
            raise ModelError(f"{folder / ONNX} answers {names[0]}, not logits: it was made by an older ferstream, make it again")
        self._card = card
        self._options = {
            "NUM_STREAMS": str(threads),
            "INFERENCE_NUM_THREADS": str(threads),
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        self._compiled: dict[tuple[int, int], Any] = {}
        self._compiling = threading.Lock()
        self._requests = threading.local()

    def __call__(self, batch: Batch) -> Outputs:
        shape = (batch.shape[1], batch.shape[2])
        requests: dict[Any, Any] = self._requests.__dict__
        if shape not in requests:
            requests[shape] = self._compile(shape).create_infer_request()
        # One synchronous request a thread: `infer` releases the interpreter lock, and nothing can wait for anything else.
        request = requests[shape]
        request.infer({0: batch}, share_inputs=True)
        return tuple(np.array(request.get_output_tensor(i).data, np.float32) for i in range(len(request.model_outputs)))

    def _compile(self, shape: tuple[int, int]) -> Any:  # noqa: ANN401 - openvino has no types
        with self._compiling:
            if shape not in self._compiled:
                self._compiled[shape] = self._core.compile_model(self._prepared(shape), "CPU", self._options)
            return self._compiled[shape]

    def _prepared(self, shape: tuple[int, int]) -> Any:  # noqa: ANN401
        """The model for pictures of one size: bytes in, any number a batch, normalisation inside."""
        model = self._model.clone()
        model.reshape([-1, 3, *shape])
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_shape([-1, *shape, 3])
        steps.input().model().set_layout(ov.Layout("NCHW"))
        # Bytes are turned round before they become floats: a quarter of the traffic.
        convert = steps.input().preprocess().convert_layout(ov.Layout("NCHW"))
        if self._card.colour == "BGR":
            convert.reverse_channels()
        convert.convert_element_type(ov.Type.f32)
        convert.mean([255 * value for value in self._card.mean]).scale([255 * value for value in self._card.std])
        return steps.build()


@cache
def _core() -> ov.Core:
    """The one core of this process.

    Each core gives the thread that makes it a signal stack of its own, and puts back the one before when it goes. Where two went
    in the order in which they came, the last one put back what the first had unmapped, and the next signal killed the process.
    """
    core = ov.Core()
    # OpenVINO looks numpy up when it first sees an array. Two threads that do so at once wait for each other for ever: one holds
    # the interpreter lock, the other the lock of that look-up. So it is done here, where models are opened one by one.
    _ = ov.Tensor(np.zeros(1, np.uint8)).data
    return core
