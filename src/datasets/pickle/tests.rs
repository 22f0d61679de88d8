//! Laws of reading pickles.

use super::spellings::SPELLINGS;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::borrow::Cow;

/// The images of every spelling.
const IMAGES: [&[u8]; 2] = [b"\xff\xd8a\\\0\n\r\x1a", b"PNG'\"\xe9"];

fn spelling(writer: &str) -> &'static [u8] {
    SPELLINGS.iter().find(|spelling| spelling.0 == writer).unwrap().1
}

type Images<'a> = Vec<Cow<'a, [u8]>>;

/// The bytes of all images and the verdicts.
fn read(file: &[u8]) -> Result<(Images<'_>, Vec<bool>), Error> {
    let pairs = parse(file)?;
    let images = pairs.images.iter().map(|image| image.bytes(file)).collect::<Result<_, _>>()?;
    Ok((images, pairs.same))
}

fn said(file: &[u8]) -> String {
    read(file).unwrap_err().to_string()
}

/// `file` with `from`, which it holds, replaced by `to`.
fn with(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(file, from).unwrap();
    [&file[..at], to, &file[at + from.len()..]].concat()
}

#[test]
fn a_set_reads_the_same_however_it_is_spelt() {
    for (writer, file) in SPELLINGS {
        let (images, same) = read(file).unwrap_or_else(|error| panic!("{writer}: {error}"));
        assert_eq!(images, IMAGES, "{writer}");
        assert_eq!(same, [true], "{writer}");
    }
}

#[test]
fn an_image_that_stands_in_the_file_as_it_is_is_not_copied() {
    let file = spelling("python 3, protocol 3");
    let (images, _) = read(file).unwrap();
    assert!(images.iter().all(|image| matches!(image, Cow::Borrowed(_))));
}

#[test]
fn all_256_bytes_survive_every_spelling() {
    let bytes: Vec<u8> = (0..=255).collect();
    // As CPython 3.11 writes them in protocol 2: `''.join(map(chr, range(256)))` in UTF-8.
    let utf8: String = bytes.iter().copied().map(char::from).collect();
    let utf8 = [b"X\x80\x01\0\0".as_slice(), utf8.as_bytes()].concat();
    // In protocol 0 it escapes these five.
    let mut escaped = b"V".to_vec();
    for &byte in &bytes {
        match byte {
            b'\0' | b'\n' | b'\r' | 0x1a | b'\\' => {
                escaped.extend(format!("\\u{byte:04x}").bytes());
            }
            _ => escaped.push(byte),
        }
    }
    escaped.push(b'\n');
    // As CPython 2.7 writes them in protocol 0: `repr` of a str, in double quotes for the single.
    let mut repr = b"S'".to_vec();
    for &byte in &bytes {
        match byte {
            b'\t' => repr.extend(b"\\t"),
            b'\n' => repr.extend(b"\\n"),
            b'\r' => repr.extend(b"\\r"),
            b'\'' | b'\\' => repr.extend([b'\\', byte]),
            b' '..=b'~' => repr.push(byte),
            _ => repr.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    repr.extend(b"'\n");
    let encoded =
        |text: Vec<u8>| [b"c_codecs\nencode\n(".as_slice(), &text, b"Vlatin1\ntR"].concat();
    for image in [encoded(utf8), encoded(escaped), repr] {
        let file = [b"](", image.as_slice(), b"U\x01be]I01\na\x86."].concat();
        assert_eq!(read(&file).unwrap().0[0], bytes, "{}", file.escape_ascii());
    }
}

#[test]
fn a_call_of_anything_else_is_refused_by_its_name() {
    let pickles: [(&[u8], &str); 7] = [
        // CPython 3.11, `__reduce__` returning `(os.system, ('id',))`, protocols 0 and 4.
        (b"cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.", "byte 0: the pickle calls posix.system;"),
        (
            b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
            "byte 28: the pickle calls posix.system;",
        ),
        (b"\x80\x02](cos\nsystem\nU\x02id\x85R", "byte 4: the pickle calls os.system;"),
        (b"cnumpy.core.multiarray\nfromfile\n", "byte 0: the pickle calls numpy.core.multiarray.fromfile;"),
        (b"cnumpy\nndarray.tofile\n", "byte 0: the pickle calls numpy.ndarray.tofile;"),
        (b"c__builtin__\neval\n", "byte 0: the pickle calls __builtin__.eval;"),
        (b"c\x1b[2J\nx\n", "byte 0: the pickle calls \\u{1b}[2J.x;"),
    ];
    for (file, start) in pickles {
        let said = said(file);
        assert!(said.starts_with(start), "{said}");
        assert!(said.ends_with("and nothing was run"), "{said}");
    }
}

#[test]
fn a_name_is_not_called_on_other_arguments() {
    let array = spelling("numpy 1.23.5, protocol 5, arrays");
    let text = spelling("python 3, protocol 0");
    let scalar = spelling("numpy 2.4.6, protocol 4, numpy.bool_");
    let cases = [
        (
            with(text, b"Vlatin1", b"Vutf-16"),
            "expected encode(text, 'latin1') for REDUCE, found (the text 'ÿØa\\\\",
        ),
        (with(array, b"\x02u1", b"\x02f4"), "found (the text 'f4', False, True)"),
        (
            with(array, b"\x01|", b"\x01>"),
            "expected the state (3, '|', None, None, None, -1, -1, 0) of a dtype for BUILD, found (3, the text '>'",
        ),
        (
            with(array, b"K\x08\x85", b"K\x09\x85"),
            "found (8 bytes, the dtype u1, a tuple of 1, the text 'C')",
        ),
        (
            with(array, b"K\x06\x85", b"K\x06K\x02\x86"),
            "found (6 bytes, the dtype u1, a tuple of 2, the text 'C')",
        ),
        (with(scalar, b"C\x01\x01", b"C\x01\x02"), "found (the dtype b1, 1 bytes)"),
        (with(array, b"(K\x03\x8c\x01|", b"(K\x04\x8c\x01|"), "found (4, the text '|', None,"),
        (
            b"cnumpy\nndarray\n)R.".to_vec(),
            "byte 16: expected no call of ndarray for REDUCE, found ()",
        ),
        (
            b"c_codecs\nencode\n]R.".to_vec(),
            "expected encode(text, 'latin1') for REDUCE, found a list of 0",
        ),
    ];
    for (file, part) in cases {
        let said = said(&file);
        assert!(said.contains(part), "{said}");
    }
}

/// The opcodes of Python's `pickletools.opcodes` that a verification set needs.
const READ: &[u8] =
    b"IJKML\x8aSTUBC\x8e\x96N\x88\x89V\x8cX\x8d]ael)t\x85\x86\x87(ghjpqr\x94c\x93Rb\x80.\x95";

/// The others, by name.
const REFUSED: [(&str, u8); 24] = [
    ("LONG4", 0x8b),
    ("NEXT_BUFFER", 0x97),
    ("READONLY_BUFFER", 0x98),
    ("FLOAT", b'F'),
    ("BINFLOAT", b'G'),
    ("EMPTY_DICT", b'}'),
    ("DICT", b'd'),
    ("SETITEM", b's'),
    ("SETITEMS", b'u'),
    ("EMPTY_SET", 0x8f),
    ("ADDITEMS", 0x90),
    ("FROZENSET", 0x91),
    ("POP", b'0'),
    ("DUP", b'2'),
    ("POP_MARK", b'1'),
    ("EXT1", 0x82),
    ("EXT2", 0x83),
    ("EXT4", 0x84),
    ("INST", b'i'),
    ("OBJ", b'o'),
    ("NEWOBJ", 0x81),
    ("NEWOBJ_EX", 0x92),
    ("PERSID", b'P'),
    ("BINPERSID", b'Q'),
];

#[test]
fn an_opcode_is_read_or_refused_by_its_name() {
    for byte in 0..=255 {
        let name = match REFUSED.iter().find(|refused| refused.1 == byte) {
            Some((name, _)) => (*name).to_owned(),
            None => format!("{byte:#04x}"),
        };
        match parse(&[b'N', byte]).unwrap_err() {
            Error::Opcode { offset: 1, opcode } => {
                assert_eq!(opcode, name);
                assert!(!READ.contains(&byte), "{name}");
            }
            error => assert!(READ.contains(&byte), "{byte:#04x}: {error}"),
        }
    }
    assert_eq!(READ.len() + REFUSED.len(), 68);
}

#[test]
fn a_protocol_after_the_fifth_is_refused() {
    assert!(matches!(parse(b"\x80\x06N."), Err(Error::ProtocolTooNew { found: 6, .. })));
}

#[test]
fn a_set_cut_anywhere_is_an_error() {
    for (writer, file) in SPELLINGS {
        for length in 0..file.len() {
            assert!(parse(&file[..length]).is_err(), "{writer}, cut to {length} bytes");
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_is_no_panic() {
    for (_, file) in SPELLINGS {
        let mut file = file.to_vec();
        for bit in 0..file.len() * 8 {
            file[bit / 8] ^= 1 << (bit % 8);
            _ = read(&file);
            file[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn the_head_of_one_set_before_the_tail_of_another_with_bytes_changed_is_no_panic() {
    let file = || prop::sample::select(SPELLINGS).prop_map(|spelling| spelling.1);
    let place = || any::<prop::sample::Index>();
    let changes = prop::collection::vec((place(), any::<u8>()), 0..4);
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng)
        .run(&(file(), place(), file(), place(), changes), |(head, end, tail, start, changes)| {
            let head = &head[..=end.index(head.len())];
            let mut file = [head, &tail[start.index(tail.len())..]].concat();
            for (place, byte) in changes {
                let place = place.index(file.len());
                file[place] = byte;
            }
            _ = read(&file);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_frame_ends_where_an_opcode_does() {
    let file = spelling("python 3, protocol 4");
    let frame = |length: &[u8]| with(file, b"\x1f", length);
    // The list and its MEMOIZE, and the pickle goes on without a frame.
    assert_eq!(read(&frame(b"\x02")).unwrap().0, IMAGES);
    let error = said(&frame(b"\x04"));
    assert_eq!(
        error,
        "byte 14: expected an end at byte 15 for SHORT_BINBYTES, found an end at byte 24"
    );
    let error = said(&with(file, b"]\x94(", b"\x95\0\0\0\0\0\0\0\0]\x94("));
    assert_eq!(error, "byte 11: expected no other frame around it for FRAME, found one");
}

#[test]
fn a_length_beyond_the_file_allocates_nothing() {
    for opcode in [b'\x8d', b'\x8e', b'\x96', b'\x95'] {
        let file = [opcode, 0, 0, 0, 0, 0, 0, 0, 0x80, b'a', b'.'];
        let error = said(&file);
        assert!(error.starts_with("byte 9: expected 9223372036854775808 or more bytes"), "{error}");
    }
    // A memo with room for entry 4294967295.
    let file = with(spelling("python 2, protocol 2"), b"q\0", b"r\xff\xff\xff\xff");
    assert_eq!(read(&file).unwrap().0, IMAGES);
}

#[test]
fn nesting_costs_no_call_stack() {
    let file = [b")".as_slice(), &[0x85; 1_000_000], b"."].concat();
    assert_eq!(said(&file), "expected a pair (images, verdicts) in the pickle, found a tuple of 1");
    assert_eq!(
        said(b"]q\0h\0a]\x88a\x86."),
        "image 0: expected one or more bytes, or an array u1 of them, found a list of 1"
    );
}

#[test]
fn the_stack_ends_at_its_bottom_and_at_a_mark() {
    let cases: [(&[u8], &str); 8] = [
        (b".", "byte 0: expected an object on the stack for STOP, found none"),
        (b"K\x01\x86.", "byte 2: expected an object on the stack for TUPLE2, found none"),
        (b"](a.", "byte 2: expected an object on the stack for APPEND, found none"),
        (b"](q\0.", "byte 2: expected an object on the stack for BINPUT, found none"),
        (b"]Ne.", "byte 2: expected a MARK on the stack for APPENDS, found none"),
        (b"N(Ne.", "byte 3: expected a list for APPENDS, found None"),
        (b"NN.", "byte 2: expected one object for STOP, found 1 more below it"),
        (b"h\x07.", "byte 0: expected an entry of the memo for BINGET, found none numbered 7"),
    ];
    for (file, expected) in cases {
        assert_eq!(said(file), expected);
    }
}

#[test]
fn a_set_is_pairs_of_images_with_a_verdict_each() {
    let p3 = spelling("python 3, protocol 3");
    let array = spelling("numpy 1.23.5, protocol 5, arrays");
    let pairs = "expected pairs, two images and one verdict each, found";
    let image = "expected one or more bytes, or an array u1 of them, found";
    let cases: [(Vec<u8>, String); 11] = [
        (b"]]\x86.".to_vec(), format!("{pairs} 0 images and 0 verdicts")),
        (with(p3, b"\x88a", b""), format!("{pairs} 2 images and 0 verdicts")),
        (with(p3, b"\x88a", b"(\x88\x88e"), format!("{pairs} 2 images and 2 verdicts")),
        (with(p3, b"\x88a", b"K\x02a"), "verdict 0: expected a bool, 0 or 1, found 2".to_owned()),
        (
            with(array, b"\x01\x94h\x07", b"\x02\x94h\x07"),
            "verdict 0: expected a bool, 0 or 1, found the byte 2 in an array b1".to_owned(),
        ),
        (with(p3, b"C\x06PNG'\"\xe9", b"C\0"), format!("image 1: {image} 0 bytes")),
        (
            with(p3, b"C\x06PNG'\"\xe9", b"\x8c\x06PNG'\"!"),
            format!("image 1: {image} the text 'PNG\\'\\\"!'"),
        ),
        (
            with(p3, b"]q\x03\x88a", b"N"),
            "expected a list of verdicts or an array b1 of them in the pickle, found None"
                .to_owned(),
        ),
        (
            with(p3, b"\x86q\x04.", b"\x86\x85."),
            "expected a pair (images, verdicts) in the pickle, found a tuple of 1".to_owned(),
        ),
        (
            [p3, b"\0\0\0"].concat(),
            format!(
                "byte {}: expected the end of the file after the pickle, found 3 bytes",
                p3.len()
            ),
        ),
        (
            with(
                p3,
                b"C\x06PNG'\"\xe9",
                b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR",
            ),
            format!("image 1: {image} an array without its data"),
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(said(&file), expected);
    }
}

#[test]
fn text_that_is_not_bytes_is_refused_where_it_is_not() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"X\x04\0\0\0a\xe2\x82\xac",
            "byte 6: expected UTF-8 text of characters up to U+00FF, found the byte 0xe2",
        ),
        (
            b"\x8c\x02\xc3a",
            "byte 2: expected UTF-8 text of characters up to U+00FF, found the byte 0xc3",
        ),
        (
            b"Va\\u20ac\n",
            "byte 2: expected text of characters up to U+00FF, a backslash as \\u005c, found the byte 0x5c",
        ),
        (b"S'a\\q'\n", "byte 3: expected a string as python 2 prints it, found the byte 0x5c"),
        (b"S'a\"\n", "byte 0: expected a string in quotes for STRING, found \\'a\\\""),
        (b"S'\n", "byte 0: expected a string in quotes for STRING, found \\'"),
    ];
    for (file, expected) in cases {
        assert_eq!(said(file), expected);
    }
}

#[test]
fn numbers_are_what_python_makes_of_them() {
    // Of `pickletools`: LONG1 is of any length, little-endian, in two's complement.
    let cases: [(&[u8], &str); 9] = [
        (b"K\xff.", "255"),
        (b"M\x01\xff.", "65281"),
        (b"J\x01\0\0\xff.", "-16777215"),
        (b"\x8a\0.", "0"),
        (b"\x8a\x02\x00\xff.", "-256"),
        (b"\x8a\x02\xff\x00.", "255"),
        (b"I-12\n.", "-12"),
        (b"L-12L\n.", "-12"),
        (b"I01\n.", "True"),
    ];
    for (file, number) in cases {
        let expected = format!("expected a pair (images, verdicts) in the pickle, found {number}");
        assert_eq!(said(file), expected);
    }
    assert_eq!(said(b"Ix\n."), "byte 0: expected a number for INT, found 'x'");
    let long = said(b"\x8a\x09\0\0\0\0\0\0\0\0\x01.");
    assert_eq!(long, "byte 0: expected a number of at most 8 bytes for LONG1, found 9 bytes");
}
