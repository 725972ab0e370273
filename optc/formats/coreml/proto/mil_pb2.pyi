from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNUSED_TYPE: _ClassVar[DataType]
    BOOL: _ClassVar[DataType]
    STRING: _ClassVar[DataType]
    FLOAT16: _ClassVar[DataType]
    FLOAT32: _ClassVar[DataType]
    FLOAT64: _ClassVar[DataType]
    BFLOAT16: _ClassVar[DataType]
    INT8: _ClassVar[DataType]
    INT16: _ClassVar[DataType]
    INT32: _ClassVar[DataType]
    INT64: _ClassVar[DataType]
    INT4: _ClassVar[DataType]
    UINT8: _ClassVar[DataType]
    UINT16: _ClassVar[DataType]
    UINT32: _ClassVar[DataType]
    UINT64: _ClassVar[DataType]
    UINT4: _ClassVar[DataType]
    UINT2: _ClassVar[DataType]
    UINT1: _ClassVar[DataType]
    UINT6: _ClassVar[DataType]
    UINT3: _ClassVar[DataType]
    FLOAT8E4M3FN: _ClassVar[DataType]
    FLOAT8E5M2: _ClassVar[DataType]
UNUSED_TYPE: DataType
BOOL: DataType
STRING: DataType
FLOAT16: DataType
FLOAT32: DataType
FLOAT64: DataType
BFLOAT16: DataType
INT8: DataType
INT16: DataType
INT32: DataType
INT64: DataType
INT4: DataType
UINT8: DataType
UINT16: DataType
UINT32: DataType
UINT64: DataType
UINT4: DataType
UINT2: DataType
UINT1: DataType
UINT6: DataType
UINT3: DataType
FLOAT8E4M3FN: DataType
FLOAT8E5M2: DataType

class Program(_message.Message):
    __slots__ = ("version", "functions", "doc_string", "attributes")
    class FunctionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Function
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Function, _Mapping]] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    DOC_STRING_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    version: int
    functions: _containers.MessageMap[str, Function]
    doc_string: str
    attributes: _containers.MessageMap[str, Value]
    def __init__(self, version: _Optional[int] = ..., functions: _Optional[_Mapping[str, Function]] = ..., doc_string: _Optional[str] = ..., attributes: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Function(_message.Message):
    __slots__ = ("inputs", "opset", "block_specializations", "attributes")
    class BlockSpecializationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Block
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Block, _Mapping]] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OPSET_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SPECIALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.RepeatedCompositeFieldContainer[NamedValueType]
    opset: str
    block_specializations: _containers.MessageMap[str, Block]
    attributes: _containers.MessageMap[str, Value]
    def __init__(self, inputs: _Optional[_Iterable[_Union[NamedValueType, _Mapping]]] = ..., opset: _Optional[str] = ..., block_specializations: _Optional[_Mapping[str, Block]] = ..., attributes: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("inputs", "outputs", "operations", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.RepeatedCompositeFieldContainer[NamedValueType]
    outputs: _containers.RepeatedScalarFieldContainer[str]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    attributes: _containers.MessageMap[str, Value]
    def __init__(self, inputs: _Optional[_Iterable[_Union[NamedValueType, _Mapping]]] = ..., outputs: _Optional[_Iterable[str]] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., attributes: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("type", "inputs", "outputs", "blocks", "attributes")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Argument
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Argument, _Mapping]] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    type: str
    inputs: _containers.MessageMap[str, Argument]
    outputs: _containers.RepeatedCompositeFieldContainer[NamedValueType]
    blocks: _containers.RepeatedCompositeFieldContainer[Block]
    attributes: _containers.MessageMap[str, Value]
    def __init__(self, type: _Optional[str] = ..., inputs: _Optional[_Mapping[str, Argument]] = ..., outputs: _Optional[_Iterable[_Union[NamedValueType, _Mapping]]] = ..., blocks: _Optional[_Iterable[_Union[Block, _Mapping]]] = ..., attributes: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Argument(_message.Message):
    __slots__ = ("arguments",)
    class Binding(_message.Message):
        __slots__ = ("name", "value")
        NAME_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        name: str
        value: Value
        def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    arguments: _containers.RepeatedCompositeFieldContainer[Argument.Binding]
    def __init__(self, arguments: _Optional[_Iterable[_Union[Argument.Binding, _Mapping]]] = ...) -> None: ...

class NamedValueType(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ValueType
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ValueType, _Mapping]] = ...) -> None: ...

class ValueType(_message.Message):
    __slots__ = ("tensor", "list", "tuple", "dictionary", "state")
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    TUPLE_FIELD_NUMBER: _ClassVar[int]
    DICTIONARY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    tensor: TensorType
    list: ListType
    tuple: TupleType
    dictionary: DictionaryType
    state: StateType
    def __init__(self, tensor: _Optional[_Union[TensorType, _Mapping]] = ..., list: _Optional[_Union[ListType, _Mapping]] = ..., tuple: _Optional[_Union[TupleType, _Mapping]] = ..., dictionary: _Optional[_Union[DictionaryType, _Mapping]] = ..., state: _Optional[_Union[StateType, _Mapping]] = ...) -> None: ...

class TensorType(_message.Message):
    __slots__ = ("data_type", "rank", "dimensions", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    data_type: DataType
    rank: int
    dimensions: _containers.RepeatedCompositeFieldContainer[Dimension]
    attributes: _containers.MessageMap[str, Value]
    def __init__(self, data_type: _Optional[_Union[DataType, str]] = ..., rank: _Optional[int] = ..., dimensions: _Optional[_Iterable[_Union[Dimension, _Mapping]]] = ..., attributes: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class ListType(_message.Message):
    __slots__ = ("type", "length")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    type: ValueType
    length: Dimension
    def __init__(self, type: _Optional[_Union[ValueType, _Mapping]] = ..., length: _Optional[_Union[Dimension, _Mapping]] = ...) -> None: ...

class TupleType(_message.Message):
    __slots__ = ("types",)
    TYPES_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedCompositeFieldContainer[ValueType]
    def __init__(self, types: _Optional[_Iterable[_Union[ValueType, _Mapping]]] = ...) -> None: ...

class DictionaryType(_message.Message):
    __slots__ = ("key_type", "value_type")
    KEY_TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_TYPE_FIELD_NUMBER: _ClassVar[int]
    key_type: ValueType
    value_type: ValueType
    def __init__(self, key_type: _Optional[_Union[ValueType, _Mapping]] = ..., value_type: _Optional[_Union[ValueType, _Mapping]] = ...) -> None: ...

class StateType(_message.Message):
    __slots__ = ("wrapped_type",)
    WRAPPED_TYPE_FIELD_NUMBER: _ClassVar[int]
    wrapped_type: ValueType
    def __init__(self, wrapped_type: _Optional[_Union[ValueType, _Mapping]] = ...) -> None: ...

class Dimension(_message.Message):
    __slots__ = ("constant", "unknown")
    class Constant(_message.Message):
        __slots__ = ("size",)
        SIZE_FIELD_NUMBER: _ClassVar[int]
        size: int
        def __init__(self, size: _Optional[int] = ...) -> None: ...
    class Unknown(_message.Message):
        __slots__ = ("variadic",)
        VARIADIC_FIELD_NUMBER: _ClassVar[int]
        variadic: bool
        def __init__(self, variadic: _Optional[bool] = ...) -> None: ...
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    constant: Dimension.Constant
    unknown: Dimension.Unknown
    def __init__(self, constant: _Optional[_Union[Dimension.Constant, _Mapping]] = ..., unknown: _Optional[_Union[Dimension.Unknown, _Mapping]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("doc_string", "type", "immediate", "blob_file")
    class Immediate(_message.Message):
        __slots__ = ("tensor", "tuple", "list", "dictionary")
        TENSOR_FIELD_NUMBER: _ClassVar[int]
        TUPLE_FIELD_NUMBER: _ClassVar[int]
        LIST_FIELD_NUMBER: _ClassVar[int]
        DICTIONARY_FIELD_NUMBER: _ClassVar[int]
        tensor: TensorValue
        tuple: TupleValue
        list: ListValue
        dictionary: DictionaryValue
        def __init__(self, tensor: _Optional[_Union[TensorValue, _Mapping]] = ..., tuple: _Optional[_Union[TupleValue, _Mapping]] = ..., list: _Optional[_Union[ListValue, _Mapping]] = ..., dictionary: _Optional[_Union[DictionaryValue, _Mapping]] = ...) -> None: ...
    class BlobFile(_message.Message):
        __slots__ = ("file_name", "offset")
        FILE_NAME_FIELD_NUMBER: _ClassVar[int]
        OFFSET_FIELD_NUMBER: _ClassVar[int]
        file_name: str
        offset: int
        def __init__(self, file_name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...
    DOC_STRING_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IMMEDIATE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FILE_FIELD_NUMBER: _ClassVar[int]
    doc_string: str
    type: ValueType
    immediate: Value.Immediate
    blob_file: Value.BlobFile
    def __init__(self, doc_string: _Optional[str] = ..., type: _Optional[_Union[ValueType, _Mapping]] = ..., immediate: _Optional[_Union[Value.Immediate, _Mapping]] = ..., blob_file: _Optional[_Union[Value.BlobFile, _Mapping]] = ...) -> None: ...

class TensorValue(_message.Message):
    __slots__ = ("floats", "ints", "bools", "strings", "long_ints", "doubles", "bytes")
    class Floats(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[float]
        def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...
    class Doubles(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[float]
        def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...
    class Ints(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...
    class LongInts(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...
    class Bools(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[bool]
        def __init__(self, values: _Optional[_Iterable[bool]] = ...) -> None: ...
    class Strings(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...
    class Bytes(_message.Message):
        __slots__ = ("values",)
        VALUES_FIELD_NUMBER: _ClassVar[int]
        values: bytes
        def __init__(self, values: _Optional[bytes] = ...) -> None: ...
    FLOATS_FIELD_NUMBER: _ClassVar[int]
    INTS_FIELD_NUMBER: _ClassVar[int]
    BOOLS_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    LONG_INTS_FIELD_NUMBER: _ClassVar[int]
    DOUBLES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    floats: TensorValue.Floats
    ints: TensorValue.Ints
    bools: TensorValue.Bools
    strings: TensorValue.Strings
    long_ints: TensorValue.LongInts
    doubles: TensorValue.Doubles
    bytes: TensorValue.Bytes
    def __init__(self, floats: _Optional[_Union[TensorValue.Floats, _Mapping]] = ..., ints: _Optional[_Union[TensorValue.Ints, _Mapping]] = ..., bools: _Optional[_Union[TensorValue.Bools, _Mapping]] = ..., strings: _Optional[_Union[TensorValue.Strings, _Mapping]] = ..., long_ints: _Optional[_Union[TensorValue.LongInts, _Mapping]] = ..., doubles: _Optional[_Union[TensorValue.Doubles, _Mapping]] = ..., bytes: _Optional[_Union[TensorValue.Bytes, _Mapping]] = ...) -> None: ...

class TupleValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class ListValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class DictionaryValue(_message.Message):
    __slots__ = ("values",)
    class Pair(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: Value
        value: Value
        def __init__(self, key: _Optional[_Union[Value, _Mapping]] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[DictionaryValue.Pair]
    def __init__(self, values: _Optional[_Iterable[_Union[DictionaryValue.Pair, _Mapping]]] = ...) -> None: ...
