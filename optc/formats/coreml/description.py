"""The description of a Core ML model as metadata of a program, and back.

    coreml.target        what the model is for: `ios15` to `ios26`
    coreml.description   inputs, outputs, states, labels, authorship: the `ModelDescription` message as JSON
    coreml.attributes    attributes of the ML program, such as how it was made, as JSON

Other metadata are what the format calls user-defined. A size that is not known is, to Core ML, any from 1 to
`MOST_OF_A_SIZE`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from google.protobuf import json_format

from optc.errors import OptcError
from optc.formats.coreml.proto.mil_pb2 import Value as ValueMessage
from optc.formats.coreml.proto.model_pb2 import (
    ArrayFeatureType,
    FeatureDescription,
    ImageFeatureType,
    Model,
    ModelDescription,
)
from optc.formats.coreml.targets import Target
from optc.formats.interface import Original, with_originals
from optc.ir.block import NODE_NAMES, Function, Program
from optc.ir.dtypes import DType
from optc.ir.types import StateType, TensorType, Type

TARGET = "coreml.target"
DESCRIPTION = "coreml.description"
ATTRIBUTES = "coreml.attributes"
MOST_OF_A_SIZE = 1024
_MOST_PIXELS = 1 << 16
_OWN = (TARGET, DESCRIPTION, ATTRIBUTES)
_ARRAYS = {
    DType.F16: ArrayFeatureType.FLOAT16, DType.F32: ArrayFeatureType.FLOAT32, DType.F64: ArrayFeatureType.DOUBLE,
    DType.I32: ArrayFeatureType.INT32, DType.I64: ArrayFeatureType.INT32, DType.BOOL: ArrayFeatureType.INT32,
}  # fmt: skip


def metadata_of(model: Model, target: Target) -> dict[str, str]:
    """The metadata that hold what a model says about itself."""
    description = ModelDescription()
    description.CopyFrom(model.description)
    found = {name: text for name, text in description.metadata.user_defined.items() if name not in _OWN}
    description.metadata.ClearField("user_defined")
    found |= {TARGET: target.name, DESCRIPTION: _compact(json_format.MessageToDict(description))}
    attributes = model.ml_program.attributes
    if attributes:
        found[ATTRIBUTES] = _compact({name: json_format.MessageToDict(attributes[name]) for name in attributes})
    return found


def describe(model: Model, program: Program, changed: Mapping[str, Original]) -> None:
    """Fill in the description and the attributes of a model whose functions are there already.

    What the metadata say about an input or output is kept as long as its type is the same.

    Raises:
        OptcError: slug `coreml-metadata`: the metadata hold no such messages.
    """
    metadata = dict(program.metadata)
    base = ModelDescription()
    _parse(metadata.get(DESCRIPTION, "{}"), DESCRIPTION, base)
    description = model.description
    description.CopyFrom(base)
    for field in ("input", "output", "state", "functions"):
        description.ClearField(field)
    if len(program.functions) == 1 and not base.functions:
        _describe_function(description, base, model, program.main)
    else:
        known = {function.name: function for function in base.functions}
        for function in program.functions:
            made = description.functions.add(name=function.name)
            if function.name in known:
                made.CopyFrom(known[function.name])
                for field in ("input", "output", "state"):
                    made.ClearField(field)
            _describe_function(made, known.get(function.name, base), model, function)
        description.default_function_name = base.default_function_name or program.main.name
    description.metadata.SetInParent()  # as it is there when the package is read
    for name, text in with_originals(metadata, changed).items():
        if name not in (*_OWN, NODE_NAMES):
            description.metadata.user_defined[name] = text
    for name, data in _json(metadata.get(ATTRIBUTES, "{}"), ATTRIBUTES).items():
        _parse(json.dumps(data), ATTRIBUTES, attribute := ValueMessage())
        model.ml_program.attributes[name].CopyFrom(attribute)


@attrs.frozen
class Picture:
    """An input that is a picture: `channels` is 1 (grey) or 3 (red, green, blue; the other way round if `reversed`)."""

    widths: range
    heights: range
    channels: int
    reversed: bool

    def takes(self, width: int, height: int) -> bool:
        """Whether a picture of this size can be the input."""
        return width in self.widths and height in self.heights

    @property
    def size(self) -> str:
        """The sizes that it may have, for people."""
        return " by ".join(f"{r[0]}" if len(r) == 1 else f"{r[0]} to {r[-1]}" for r in (self.widths, self.heights))


def pictures_of(program: Program) -> dict[str, Picture]:
    """The inputs of the main function that are pictures, by name.

    Raises:
        OptcError: slug `coreml-metadata`.
    """
    description = ModelDescription()
    _parse(dict(program.metadata).get(DESCRIPTION, "{}"), DESCRIPTION, description)
    features = list(description.input)
    for function in description.functions:
        if function.name == program.main.name:
            features = list(function.input)
    return {
        feature.name: _picture(feature.type.image_type)
        for feature in features if feature.type.WhichOneof("type") == "image_type"
    }  # fmt: skip


def _picture(image: ImageFeatureType) -> Picture:
    widths, heights = (range(size, size + 1) for size in (image.width, image.height))
    grey = image.color_space in (ImageFeatureType.GRAYSCALE, ImageFeatureType.GRAYSCALE_FLOAT16)
    if image.WhichOneof("flexibility") == "range":
        bounds = image.range.width, image.range.height
        widths, heights = (
            range(b.lower_bound, (b.upper_bound if b.upper_bound >= 0 else _MOST_PIXELS) + 1) for b in bounds
        )
    return Picture(widths, heights, 1 if grey else 3, image.color_space == ImageFeatureType.BGR)


def _describe_function(made: Any, base: Any, model: Model, function: Function) -> None:
    proto = model.ml_program.functions[function.name]
    names = [given.name for given in proto.inputs]
    params = list(zip(names, (_interface(v.type) for v in function.body.params), strict=True))
    block = proto.block_specializations[proto.opset]
    results = list(zip(block.outputs, (_interface(v.type) for v in function.body.results), strict=True))
    inputs = [p for p in params if not isinstance(p[1], StateType)]
    states = [p for p in params if isinstance(p[1], StateType)]
    for field, features in (("input", inputs), ("output", results), ("state", states)):
        known = {feature.name: feature for feature in getattr(base, field)}
        getattr(made, field).extend(_features(features, known))


def _interface(kind: Type) -> Type:
    """Integers are of 32 bits; scalars are vectors of one element."""
    if not isinstance(kind, TensorType):
        return kind
    if kind.dtype.is_integer and kind.dtype.bits in (8, 16):
        kind = kind.with_dtype(DType.I32)
    return kind if kind.rank or kind.dtype is DType.STR else kind.with_shape((1,))


def _features(
    features: Iterable[tuple[str, Type]], known: Mapping[str, FeatureDescription]
) -> list[FeatureDescription]:
    out = []
    for name, kind in features:
        before = known.get(name)
        if before is not None and _agrees(before, kind):
            out.append(before)
            continue
        made = FeatureDescription(name=name, short_description=before.short_description if before else "")
        tensor = kind.tensor if isinstance(kind, StateType) else kind
        if not isinstance(tensor, TensorType) or tensor.dtype not in _ARRAYS:
            raise OptcError("coreml-dtype", name, "type of an input or output", "a tensor that Core ML hands on", kind)
        place = made.type.state_type.array_type if isinstance(kind, StateType) else made.type.array_type
        _fill_array(place, tensor)
        out.append(made)
    return out


def _agrees(feature: FeatureDescription, kind: Type) -> bool:
    """Whether a description fits a type: an array of another shape or element type does not."""
    which = feature.type.WhichOneof("type")
    if which == "array_type" and isinstance(kind, TensorType):
        array = feature.type.array_type
        same = len(array.shape) in (0, kind.rank) and array.data_type == _ARRAYS.get(kind.dtype)
        sizes = zip(array.shape, kind.shape, strict=False)
        return same and all(not isinstance(dim, int) or size == dim for size, dim in sizes)
    if which == "state_type" and isinstance(kind, StateType):
        array = feature.type.state_type.array_type
        return tuple(array.shape) == kind.tensor.shape and array.data_type == _ARRAYS.get(kind.tensor.dtype)
    if which == "image_type" and isinstance(kind, TensorType):
        image = feature.type.image_type
        sizes = zip((image.height, image.width), kind.shape[-2:], strict=False)
        return kind.rank == 4 and all(not isinstance(dim, int) or size == dim for size, dim in sizes)
    return which not in ("array_type", "state_type", "image_type")


def _fill_array(array: ArrayFeatureType, kind: TensorType) -> None:
    array.data_type = _ARRAYS[kind.dtype]
    array.shape.extend(dim if isinstance(dim, int) else 1 for dim in kind.shape)
    if not kind.is_static:
        for dim in kind.shape:
            low, high = (dim, dim) if isinstance(dim, int) else (1, MOST_OF_A_SIZE)
            array.range.sizes.add(lower_bound=low, upper_bound=high)


def _parse(text: str, key: str, message: Any) -> None:
    try:
        json_format.Parse(text, message)
    except json_format.ParseError as error:
        raise OptcError("coreml-metadata", f"metadata {key}", "value", "a message of Core ML as JSON", error) from None


def _json(text: str, key: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise OptcError("coreml-metadata", f"metadata {key}", "value", "an object in JSON")
    return data


def _compact(data: object) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
