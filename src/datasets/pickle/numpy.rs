//! What Python would make of calling the names that verification sets use.
//!
//! `bytes` are `_codecs.encode(text, 'latin1')` below protocol 3. An array is
//! `_reconstruct(ndarray, (0,), b'b')` that is given its state later, or, from protocol 5 on,
//! `_frombuffer(bytes, dtype, shape, order)`. A `numpy.bool_` is `scalar(dtype, bytes)`.

use super::Error;
use super::cursor::Cursor;
use super::names::{Array, Dtype, Name};
use super::value::{Objects, Value};

/// Makes what Python would by calling `name` with the tuple `arguments`.
///
/// # Errors
/// [`Error::Expected`] for arguments that verification sets do not use.
pub(super) fn call(
    cursor: &Cursor<'_>,
    objects: &mut Objects,
    name: Name,
    arguments: Value,
) -> Result<Value, Error> {
    let file = cursor.file();
    let made = match (name, objects.tuple(arguments).unwrap_or_default()) {
        (Name::Encode, &[Value::Text(text), encoding]) if encoding.is(file, "latin1") => {
            Some(Value::Bytes(text))
        }
        (Name::Dtype, &[code, copy, align])
            if copy.flag() == Some(false) && align.flag() == Some(true) =>
        {
            let known = [Dtype::U1, Dtype::B1];
            known.into_iter().find(|dtype| code.is(file, dtype.code())).map(Value::Dtype)
        }
        (Name::Reconstruct, &[Value::Name(Name::Ndarray), shape, code])
            if matches!(objects.tuple(shape), Some([Value::Int(0)])) && code.is(file, "b") =>
        {
            Some(objects.add_array(Array::Empty))
        }
        (Name::Scalar, &[Value::Dtype(Dtype::B1), Value::Bytes(byte)]) if byte.size() == 1 => {
            match byte.decoder(file).next() {
                Some(byte @ 0..=1) => Some(Value::Bool(byte == 1)),
                _ => None,
            }
        }
        (Name::FromBuffer, &[bytes, dtype, shape, order])
            if order.is(file, "C") || order.is(file, "F") =>
        {
            filled(objects, shape, dtype, bytes).map(|array| objects.add_array(array))
        }
        _ => None,
    };
    made.ok_or_else(|| cursor.expected(name.usage(), objects.describe_items(file, arguments)))
}

/// Gives `object` its `state`, as Python's `__setstate__` would.
///
/// # Errors
/// [`Error::Expected`] for an object that takes none, or a state that verification sets do not have.
pub(super) fn build(
    cursor: &Cursor<'_>,
    objects: &mut Objects,
    object: Value,
    state: Value,
) -> Result<(), Error> {
    let file = cursor.file();
    let items = objects.tuple(state).unwrap_or_default();
    let expected = match (object, objects.array(object)) {
        (Value::Dtype(_), _) => {
            if is_dtype_state(file, items) {
                return Ok(());
            }
            "the state (3, '|', None, None, None, -1, -1, 0) of a dtype"
        }
        (_, Some(Array::Empty)) => {
            if let Some(array) = of_state(objects, items) {
                objects.fill(object, array);
                return Ok(());
            }
            "the state (1, (n,), dtype, False, n bytes) of an array"
        }
        _ => {
            let found = objects.describe(file, object);
            return Err(cursor.expected("an array without its data, or a dtype,", found));
        }
    };
    Err(cursor.expected(expected, objects.describe_items(file, state)))
}

/// The array that the parts of a state make: version, shape, dtype, memory order and data.
fn of_state(objects: &Objects, state: &[Value]) -> Option<Array> {
    match *state {
        [Value::Int(1), shape, dtype, fortran, bytes] if fortran.flag().is_some() => {
            filled(objects, shape, dtype, bytes)
        }
        _ => None,
    }
}

/// The array of `bytes`, if they are as many as `shape` says.
fn filled(objects: &Objects, shape: Value, dtype: Value, bytes: Value) -> Option<Array> {
    let (Value::Dtype(dtype), Value::Bytes(bytes)) = (dtype, bytes) else { return None };
    let count = match (dtype, objects.tuple(shape)?) {
        (_, &[Value::Int(count)]) | (Dtype::U1, &[Value::Int(count), Value::Int(1)]) => count,
        _ => return None,
    };
    let array = match dtype {
        Dtype::U1 => Array::Bytes(bytes),
        Dtype::B1 => Array::Bools(bytes),
    };
    (usize::try_from(count) == Ok(bytes.size())).then_some(array)
}

/// Whether `state` is that of a dtype of single bytes: version, byte order, no parts, no fields, and
/// size, alignment and flags as usual.
fn is_dtype_state(file: &[u8], state: &[Value]) -> bool {
    use Value::{Int, None};
    matches!(
        *state,
        [Int(3), order, None, None, None, Int(-1), Int(-1), Int(0)] if order.is(file, "|")
    )
}
