from optc.formats.coreml.proto import mil_pb2 as _mil_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Model(_message.Message):
    __slots__ = ("specification_version", "description", "is_updatable", "ml_program")
    SPECIFICATION_VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_UPDATABLE_FIELD_NUMBER: _ClassVar[int]
    ML_PROGRAM_FIELD_NUMBER: _ClassVar[int]
    specification_version: int
    description: ModelDescription
    is_updatable: bool
    ml_program: _mil_pb2.Program
    def __init__(self, specification_version: _Optional[int] = ..., description: _Optional[_Union[ModelDescription, _Mapping]] = ..., is_updatable: _Optional[bool] = ..., ml_program: _Optional[_Union[_mil_pb2.Program, _Mapping]] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ("input", "output", "predicted_feature_name", "predicted_probabilities_name", "state", "functions", "default_function_name", "training_input", "metadata")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FEATURE_NAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_PROBABILITIES_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FUNCTION_NAME_FIELD_NUMBER: _ClassVar[int]
    TRAINING_INPUT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    input: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    output: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    predicted_feature_name: str
    predicted_probabilities_name: str
    state: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    functions: _containers.RepeatedCompositeFieldContainer[FunctionDescription]
    default_function_name: str
    training_input: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    metadata: Metadata
    def __init__(self, input: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., output: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., predicted_feature_name: _Optional[str] = ..., predicted_probabilities_name: _Optional[str] = ..., state: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., functions: _Optional[_Iterable[_Union[FunctionDescription, _Mapping]]] = ..., default_function_name: _Optional[str] = ..., training_input: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ...) -> None: ...

class FunctionDescription(_message.Message):
    __slots__ = ("name", "input", "output", "predicted_feature_name", "predicted_probabilities_name", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FEATURE_NAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_PROBABILITIES_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    input: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    output: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    predicted_feature_name: str
    predicted_probabilities_name: str
    state: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    def __init__(self, name: _Optional[str] = ..., input: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., output: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., predicted_feature_name: _Optional[str] = ..., predicted_probabilities_name: _Optional[str] = ..., state: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("short_description", "version_string", "author", "license", "user_defined")
    class UserDefinedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SHORT_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_STRING_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    USER_DEFINED_FIELD_NUMBER: _ClassVar[int]
    short_description: str
    version_string: str
    author: str
    license: str
    user_defined: _containers.ScalarMap[str, str]
    def __init__(self, short_description: _Optional[str] = ..., version_string: _Optional[str] = ..., author: _Optional[str] = ..., license: _Optional[str] = ..., user_defined: _Optional[_Mapping[str, str]] = ...) -> None: ...

class FeatureDescription(_message.Message):
    __slots__ = ("name", "short_description", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHORT_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    short_description: str
    type: FeatureType
    def __init__(self, name: _Optional[str] = ..., short_description: _Optional[str] = ..., type: _Optional[_Union[FeatureType, _Mapping]] = ...) -> None: ...

class FeatureType(_message.Message):
    __slots__ = ("int64_type", "double_type", "string_type", "image_type", "array_type", "dictionary_type", "sequence_type", "state_type", "is_optional")
    INT64_TYPE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STRING_TYPE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    ARRAY_TYPE_FIELD_NUMBER: _ClassVar[int]
    DICTIONARY_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    int64_type: Int64FeatureType
    double_type: DoubleFeatureType
    string_type: StringFeatureType
    image_type: ImageFeatureType
    array_type: ArrayFeatureType
    dictionary_type: DictionaryFeatureType
    sequence_type: SequenceFeatureType
    state_type: StateFeatureType
    is_optional: bool
    def __init__(self, int64_type: _Optional[_Union[Int64FeatureType, _Mapping]] = ..., double_type: _Optional[_Union[DoubleFeatureType, _Mapping]] = ..., string_type: _Optional[_Union[StringFeatureType, _Mapping]] = ..., image_type: _Optional[_Union[ImageFeatureType, _Mapping]] = ..., array_type: _Optional[_Union[ArrayFeatureType, _Mapping]] = ..., dictionary_type: _Optional[_Union[DictionaryFeatureType, _Mapping]] = ..., sequence_type: _Optional[_Union[SequenceFeatureType, _Mapping]] = ..., state_type: _Optional[_Union[StateFeatureType, _Mapping]] = ..., is_optional: _Optional[bool] = ...) -> None: ...

class Int64FeatureType(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DoubleFeatureType(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StringFeatureType(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SizeRange(_message.Message):
    __slots__ = ("lower_bound", "upper_bound")
    LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    UPPER_BOUND_FIELD_NUMBER: _ClassVar[int]
    lower_bound: int
    upper_bound: int
    def __init__(self, lower_bound: _Optional[int] = ..., upper_bound: _Optional[int] = ...) -> None: ...

class ImageFeatureType(_message.Message):
    __slots__ = ("width", "height", "color_space", "sizes", "range")
    class ColorSpace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INVALID_COLOR_SPACE: _ClassVar[ImageFeatureType.ColorSpace]
        GRAYSCALE: _ClassVar[ImageFeatureType.ColorSpace]
        RGB: _ClassVar[ImageFeatureType.ColorSpace]
        BGR: _ClassVar[ImageFeatureType.ColorSpace]
        GRAYSCALE_FLOAT16: _ClassVar[ImageFeatureType.ColorSpace]
    INVALID_COLOR_SPACE: ImageFeatureType.ColorSpace
    GRAYSCALE: ImageFeatureType.ColorSpace
    RGB: ImageFeatureType.ColorSpace
    BGR: ImageFeatureType.ColorSpace
    GRAYSCALE_FLOAT16: ImageFeatureType.ColorSpace
    class Size(_message.Message):
        __slots__ = ("width", "height")
        WIDTH_FIELD_NUMBER: _ClassVar[int]
        HEIGHT_FIELD_NUMBER: _ClassVar[int]
        width: int
        height: int
        def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...
    class Sizes(_message.Message):
        __slots__ = ("sizes",)
        SIZES_FIELD_NUMBER: _ClassVar[int]
        sizes: _containers.RepeatedCompositeFieldContainer[ImageFeatureType.Size]
        def __init__(self, sizes: _Optional[_Iterable[_Union[ImageFeatureType.Size, _Mapping]]] = ...) -> None: ...
    class Range(_message.Message):
        __slots__ = ("width", "height")
        WIDTH_FIELD_NUMBER: _ClassVar[int]
        HEIGHT_FIELD_NUMBER: _ClassVar[int]
        width: SizeRange
        height: SizeRange
        def __init__(self, width: _Optional[_Union[SizeRange, _Mapping]] = ..., height: _Optional[_Union[SizeRange, _Mapping]] = ...) -> None: ...
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    COLOR_SPACE_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    color_space: ImageFeatureType.ColorSpace
    sizes: ImageFeatureType.Sizes
    range: ImageFeatureType.Range
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., color_space: _Optional[_Union[ImageFeatureType.ColorSpace, str]] = ..., sizes: _Optional[_Union[ImageFeatureType.Sizes, _Mapping]] = ..., range: _Optional[_Union[ImageFeatureType.Range, _Mapping]] = ...) -> None: ...

class ArrayFeatureType(_message.Message):
    __slots__ = ("shape", "data_type", "shapes", "range", "int_default", "float_default", "double_default")
    class ArrayDataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INVALID_ARRAY_DATA_TYPE: _ClassVar[ArrayFeatureType.ArrayDataType]
        FLOAT16: _ClassVar[ArrayFeatureType.ArrayDataType]
        FLOAT32: _ClassVar[ArrayFeatureType.ArrayDataType]
        DOUBLE: _ClassVar[ArrayFeatureType.ArrayDataType]
        INT8: _ClassVar[ArrayFeatureType.ArrayDataType]
        INT32: _ClassVar[ArrayFeatureType.ArrayDataType]
    INVALID_ARRAY_DATA_TYPE: ArrayFeatureType.ArrayDataType
    FLOAT16: ArrayFeatureType.ArrayDataType
    FLOAT32: ArrayFeatureType.ArrayDataType
    DOUBLE: ArrayFeatureType.ArrayDataType
    INT8: ArrayFeatureType.ArrayDataType
    INT32: ArrayFeatureType.ArrayDataType
    class Shape(_message.Message):
        __slots__ = ("shape",)
        SHAPE_FIELD_NUMBER: _ClassVar[int]
        shape: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, shape: _Optional[_Iterable[int]] = ...) -> None: ...
    class Shapes(_message.Message):
        __slots__ = ("shapes",)
        SHAPES_FIELD_NUMBER: _ClassVar[int]
        shapes: _containers.RepeatedCompositeFieldContainer[ArrayFeatureType.Shape]
        def __init__(self, shapes: _Optional[_Iterable[_Union[ArrayFeatureType.Shape, _Mapping]]] = ...) -> None: ...
    class Range(_message.Message):
        __slots__ = ("sizes",)
        SIZES_FIELD_NUMBER: _ClassVar[int]
        sizes: _containers.RepeatedCompositeFieldContainer[SizeRange]
        def __init__(self, sizes: _Optional[_Iterable[_Union[SizeRange, _Mapping]]] = ...) -> None: ...
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPES_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    INT_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    FLOAT_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    data_type: ArrayFeatureType.ArrayDataType
    shapes: ArrayFeatureType.Shapes
    range: ArrayFeatureType.Range
    int_default: int
    float_default: float
    double_default: float
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., data_type: _Optional[_Union[ArrayFeatureType.ArrayDataType, str]] = ..., shapes: _Optional[_Union[ArrayFeatureType.Shapes, _Mapping]] = ..., range: _Optional[_Union[ArrayFeatureType.Range, _Mapping]] = ..., int_default: _Optional[int] = ..., float_default: _Optional[float] = ..., double_default: _Optional[float] = ...) -> None: ...

class DictionaryFeatureType(_message.Message):
    __slots__ = ("int64_key", "string_key")
    INT64_KEY_FIELD_NUMBER: _ClassVar[int]
    STRING_KEY_FIELD_NUMBER: _ClassVar[int]
    int64_key: Int64FeatureType
    string_key: StringFeatureType
    def __init__(self, int64_key: _Optional[_Union[Int64FeatureType, _Mapping]] = ..., string_key: _Optional[_Union[StringFeatureType, _Mapping]] = ...) -> None: ...

class SequenceFeatureType(_message.Message):
    __slots__ = ("int64_type", "string_type", "size_range")
    INT64_TYPE_FIELD_NUMBER: _ClassVar[int]
    STRING_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_RANGE_FIELD_NUMBER: _ClassVar[int]
    int64_type: Int64FeatureType
    string_type: StringFeatureType
    size_range: SizeRange
    def __init__(self, int64_type: _Optional[_Union[Int64FeatureType, _Mapping]] = ..., string_type: _Optional[_Union[StringFeatureType, _Mapping]] = ..., size_range: _Optional[_Union[SizeRange, _Mapping]] = ...) -> None: ...

class StateFeatureType(_message.Message):
    __slots__ = ("array_type",)
    ARRAY_TYPE_FIELD_NUMBER: _ClassVar[int]
    array_type: ArrayFeatureType
    def __init__(self, array_type: _Optional[_Union[ArrayFeatureType, _Mapping]] = ...) -> None: ...
