//! The stack machine of pickle: the opcodes that are read, and the refusal of all others.

use super::Error;
use super::cursor::Cursor;
use super::names::Name;
use super::numpy;
use super::payload::Spelling;
use super::value::{Objects, Value, shown};
use std::collections::HashMap;

type Action = fn(&mut Machine<'_>) -> Result<(), Error>;

/// The opcodes that are read, by their names in Python's `pickletools`. The numbers below are widths
/// of lengths and of integers in bytes, and lengths of tuples.
static READ: &[(u8, &str, Action)] = &[
    (0x80, "PROTO", |machine| machine.protocol()),
    (0x95, "FRAME", |machine| machine.cursor.frame()),
    (b'.', "STOP", |machine| machine.stop()),
    (b'(', "MARK", |machine| machine.mark()),
    (b'N', "NONE", |machine| machine.push(Value::None)),
    (0x88, "NEWTRUE", |machine| machine.push(Value::Bool(true))),
    (0x89, "NEWFALSE", |machine| machine.push(Value::Bool(false))),
    (b'I', "INT", |machine| machine.int()),
    (b'L', "LONG", |machine| machine.long()),
    (b'K', "BININT1", |machine| machine.unsigned_int(1)),
    (b'M', "BININT2", |machine| machine.unsigned_int(2)),
    (b'J', "BININT", |machine| machine.signed_int(4)),
    (0x8a, "LONG1", |machine| machine.long1()),
    (b'S', "STRING", |machine| machine.string()),
    (b'U', "SHORT_BINSTRING", |machine| machine.bytes(1)),
    (b'T', "BINSTRING", |machine| machine.bytes(4)),
    (b'C', "SHORT_BINBYTES", |machine| machine.bytes(1)),
    (b'B', "BINBYTES", |machine| machine.bytes(4)),
    (0x8e, "BINBYTES8", |machine| machine.bytes(8)),
    (0x96, "BYTEARRAY8", |machine| machine.bytes(8)),
    (b'V', "UNICODE", |machine| machine.unicode()),
    (0x8c, "SHORT_BINUNICODE", |machine| machine.text(1)),
    (b'X', "BINUNICODE", |machine| machine.text(4)),
    (0x8d, "BINUNICODE8", |machine| machine.text(8)),
    (b']', "EMPTY_LIST", |machine| machine.empty_list()),
    (b'l', "LIST", |machine| machine.list()),
    (b'a', "APPEND", |machine| machine.append()),
    (b'e', "APPENDS", |machine| machine.appends()),
    (b')', "EMPTY_TUPLE", |machine| machine.tuple_of(0)),
    (0x85, "TUPLE1", |machine| machine.tuple_of(1)),
    (0x86, "TUPLE2", |machine| machine.tuple_of(2)),
    (0x87, "TUPLE3", |machine| machine.tuple_of(3)),
    (b't', "TUPLE", |machine| machine.tuple()),
    (b'p', "PUT", |machine| machine.cursor.key_line().and_then(|key| machine.put(key))),
    (b'q', "BINPUT", |machine| machine.cursor.unsigned(1).and_then(|key| machine.put(key))),
    (b'r', "LONG_BINPUT", |machine| machine.cursor.unsigned(4).and_then(|key| machine.put(key))),
    (0x94, "MEMOIZE", |machine| machine.memoize()),
    (b'g', "GET", |machine| machine.cursor.key_line().and_then(|key| machine.get(key))),
    (b'h', "BINGET", |machine| machine.cursor.unsigned(1).and_then(|key| machine.get(key))),
    (b'j', "LONG_BINGET", |machine| machine.cursor.unsigned(4).and_then(|key| machine.get(key))),
    (b'c', "GLOBAL", |machine| machine.global()),
    (0x93, "STACK_GLOBAL", |machine| machine.stack_global()),
    (b'R', "REDUCE", |machine| machine.reduce()),
    (b'b', "BUILD", |machine| machine.build()),
];

/// All others, to be refused by name.
static REFUSED: &[(u8, &str)] = &[
    (b'0', "POP"),
    (b'1', "POP_MARK"),
    (b'2', "DUP"),
    (b'F', "FLOAT"),
    (b'G', "BINFLOAT"),
    (0x8b, "LONG4"),
    (b'}', "EMPTY_DICT"),
    (b'd', "DICT"),
    (b's', "SETITEM"),
    (b'u', "SETITEMS"),
    (0x8f, "EMPTY_SET"),
    (0x90, "ADDITEMS"),
    (0x91, "FROZENSET"),
    (b'P', "PERSID"),
    (b'Q', "BINPERSID"),
    (b'i', "INST"),
    (b'o', "OBJ"),
    (0x81, "NEWOBJ"),
    (0x92, "NEWOBJ_EX"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
];

/// The newest protocol whose opcodes stand above.
const NEWEST_PROTOCOL: u8 = 5;

/// Reads the pickle and returns the object it builds, with all that this one refers to.
///
/// # Errors
/// Any of the errors that have a byte.
pub(super) fn run(file: &[u8]) -> Result<(Value, Objects), Error> {
    let mut machine = Machine {
        cursor: Cursor::new(file),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Objects::default(),
        top: None,
    };
    loop {
        machine.step()?;
        if let Some(top) = machine.top {
            return Ok((top, machine.objects));
        }
    }
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    stack: Vec<Value>,
    /// Heights of the stack at which a MARK lies.
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    objects: Objects,
    /// What STOP left.
    top: Option<Value>,
}

impl Machine<'_> {
    fn step(&mut self) -> Result<(), Error> {
        let byte = self.cursor.opcode()?;
        let Some(&(_, name, action)) = READ.iter().find(|row| row.0 == byte) else {
            let refused = REFUSED.iter().find(|row| row.0 == byte);
            let opcode = refused.map_or_else(|| format!("{byte:#04x}"), |row| row.1.to_owned());
            return Err(Error::Opcode { offset: self.cursor.offset(), opcode });
        };
        self.cursor.name_opcode(name);
        action(self)?;
        self.cursor.check_frame()
    }

    fn protocol(&mut self) -> Result<(), Error> {
        match self.cursor.unsigned(1)? as u8 {
            ..=NEWEST_PROTOCOL => Ok(()),
            found => Err(Error::ProtocolTooNew { offset: self.cursor.offset(), found }),
        }
    }

    fn stop(&mut self) -> Result<(), Error> {
        let top = self.pop()?;
        let left = self.stack.len().saturating_add(self.marks.len());
        if left > 0 {
            return Err(self.expected("one object", format!("{left} more below it")));
        }
        self.cursor.end()?;
        self.top = Some(top);
        Ok(())
    }

    fn expected(&self, expected: &str, found: String) -> Error {
        self.cursor.expected(expected, found)
    }

    fn describe(&self, value: Value) -> String {
        self.objects.describe(self.cursor.file(), value)
    }
}

/// The stack and the memo.
impl Machine<'_> {
    fn push(&mut self, value: Value) -> Result<(), Error> {
        self.stack.push(value);
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Error> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Takes the top off, which must lie above the last MARK.
    fn pop(&mut self) -> Result<Value, Error> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = if self.stack.len() > floor { self.stack.pop() } else { None };
        top.ok_or_else(|| self.expected("an object on the stack", "none".to_owned()))
    }

    /// Takes the last MARK off, and what lies above it.
    fn pop_to_mark(&mut self) -> Result<Vec<Value>, Error> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| self.expected("a MARK on the stack", "none".to_owned()))?;
        Ok(self.stack.split_off(mark))
    }

    fn put(&mut self, key: u64) -> Result<(), Error> {
        let value = self.pop()?;
        self.memo.insert(key, value);
        self.push(value)
    }

    fn memoize(&mut self) -> Result<(), Error> {
        self.put(self.memo.len() as u64)
    }

    fn get(&mut self, key: u64) -> Result<(), Error> {
        match self.memo.get(&key) {
            Some(&value) => self.push(value),
            None => Err(self.expected("an entry of the memo", format!("none numbered {key}"))),
        }
    }
}

/// Lists and tuples.
impl Machine<'_> {
    fn empty_list(&mut self) -> Result<(), Error> {
        let list = self.objects.add_list(Vec::new());
        self.push(list)
    }

    fn list(&mut self) -> Result<(), Error> {
        let items = self.pop_to_mark()?;
        let list = self.objects.add_list(items);
        self.push(list)
    }

    fn append(&mut self) -> Result<(), Error> {
        let item = self.pop()?;
        self.extend(&[item])
    }

    fn appends(&mut self) -> Result<(), Error> {
        let items = self.pop_to_mark()?;
        self.extend(&items)
    }

    fn extend(&mut self, items: &[Value]) -> Result<(), Error> {
        let list = self.pop()?;
        match self.objects.list_mut(list) {
            Some(list) => list.extend(items),
            None => return Err(self.expected("a list", self.describe(list))),
        }
        self.push(list)
    }

    fn tuple(&mut self) -> Result<(), Error> {
        let items = self.pop_to_mark()?;
        let tuple = self.objects.add_tuple(&items);
        self.push(tuple)
    }

    fn tuple_of(&mut self, length: usize) -> Result<(), Error> {
        let mut items = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        let tuple = self.objects.add_tuple(&items);
        self.push(tuple)
    }
}

/// Numbers, bytes and text.
impl Machine<'_> {
    fn int(&mut self) -> Result<(), Error> {
        let line = self.cursor.line()?;
        self.push(match line {
            // Protocols 0 and 1 have no other bool.
            b"00" => Value::Bool(false),
            b"01" => Value::Bool(true),
            _ => Value::Int(self.cursor.number(line)?),
        })
    }

    fn long(&mut self) -> Result<(), Error> {
        let line = self.cursor.line()?;
        let number = self.cursor.number(line.strip_suffix(b"L").unwrap_or(line))?;
        self.push(Value::Int(number))
    }

    fn long1(&mut self) -> Result<(), Error> {
        match self.cursor.unsigned(1)? {
            width @ ..=8 => self.signed_int(width),
            width => Err(self.expected("a number of at most 8 bytes", format!("{width} bytes"))),
        }
    }

    fn unsigned_int(&mut self, width: u64) -> Result<(), Error> {
        let number = self.cursor.unsigned(width)?;
        self.push(Value::Int(number as i64))
    }

    fn signed_int(&mut self, width: u64) -> Result<(), Error> {
        let number = self.cursor.signed(width)?;
        self.push(Value::Int(number))
    }

    fn bytes(&mut self, width: u64) -> Result<(), Error> {
        let payload = self.cursor.sized(width, Spelling::Raw)?;
        self.push(Value::Bytes(payload))
    }

    fn text(&mut self, width: u64) -> Result<(), Error> {
        let payload = self.cursor.sized(width, Spelling::Utf8)?;
        self.push(Value::Text(payload))
    }

    fn unicode(&mut self) -> Result<(), Error> {
        let payload = self.cursor.unicode_line()?;
        self.push(Value::Text(payload))
    }

    fn string(&mut self) -> Result<(), Error> {
        let payload = self.cursor.quoted_line()?;
        self.push(Value::Bytes(payload))
    }
}

/// Names and what is done with them.
impl Machine<'_> {
    fn global(&mut self) -> Result<(), Error> {
        let module = self.cursor.line()?;
        let name = self.cursor.line()?;
        let found = Name::find(|word| module == word.as_bytes(), |word| name == word.as_bytes());
        match found {
            Some(name) => self.push(Value::Name(name)),
            None => Err(self.refused(module.iter().copied(), name.iter().copied())),
        }
    }

    fn stack_global(&mut self) -> Result<(), Error> {
        let (name, module) = (self.pop()?, self.pop()?);
        let (Value::Text(module), Value::Text(name)) = (module, name) else {
            let found = format!("{} and {}", self.describe(module), self.describe(name));
            return Err(self.expected("a module and a name as text", found));
        };
        let file = self.cursor.file();
        match Name::find(|word| module.is(file, word), |word| name.is(file, word)) {
            Some(name) => self.push(Value::Name(name)),
            None => Err(self.refused(module.decoder(file), name.decoder(file))),
        }
    }

    fn refused(&self, module: impl Iterator<Item = u8>, name: impl Iterator<Item = u8>) -> Error {
        let name = format!("{}.{}", shown(module), shown(name));
        Error::Name { offset: self.cursor.offset(), name }
    }

    fn reduce(&mut self) -> Result<(), Error> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Value::Name(name) = callee else {
            return Err(self.expected("a name to call", self.describe(callee)));
        };
        let made = numpy::call(&self.cursor, &mut self.objects, name, arguments)?;
        self.push(made)
    }

    fn build(&mut self) -> Result<(), Error> {
        let (state, object) = (self.pop()?, self.pop()?);
        numpy::build(&self.cursor, &mut self.objects, object, state)?;
        self.push(object)
    }
}
