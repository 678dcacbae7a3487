"""The models that the tests ask of MLServer."""

import numpy
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse


class TestModel(MLModel):
    async def load(self):
        return True

    def answer(self, *outputs):
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=list(outputs))


class Sums(TestModel):
    """The sum of each row; refuses rows below 0, and breaks at 1000."""

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        if (rows < 0).any():
            raise InferenceError("rows below 0 are not for this model")
        if (rows == 1000).any():
            raise RuntimeError("the model broke")
        return self.answer(NumpyCodec.encode_output("sum", rows.sum(axis=1, dtype=numpy.float32)))


class Words(TestModel):
    """Each text in capitals, and how many words it has."""

    async def predict(self, payload):
        texts = [text.decode() if isinstance(text, bytes) else text for text in StringCodec.decode_input(payload.inputs[0])]
        return self.answer(
            StringCodec.encode_output("capitals", [text.upper() for text in texts], use_bytes=False),
            NumpyCodec.encode_output("words", numpy.array([len(text.split()) for text in texts], dtype=numpy.int64)),
        )


class EchoTypes(TestModel):
    """Every input as an output."""

    async def predict(self, payload):
        outputs = []
        for tensor in payload.inputs:
            name = tensor.name.replace("IN_", "OUT_")
            outputs.append(NumpyCodec.encode_output(name, NumpyCodec.decode_input(tensor)))
        return self.answer(*outputs)
