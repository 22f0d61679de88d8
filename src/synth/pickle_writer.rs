//! Writes InsightFace's verification sets: `pickle((bins, issame))`, protocol 4.

const PROTO_4: [u8; 2] = [0x80, 4];
const EMPTY_LIST: u8 = b']';
const MARK: u8 = b'(';
const APPENDS: u8 = b'e';
const BINBYTES: u8 = b'B';
const NEWTRUE: u8 = 0x88;
const NEWFALSE: u8 = 0x89;
const TUPLE2: u8 = 0x86;
const STOP: u8 = b'.';

/// The pickle of a list of bytes (two images a pair) and a list of bool (one a pair).
pub(super) fn pickle(images: &[Vec<u8>], same: &[bool]) -> Vec<u8> {
    let mut pickle = PROTO_4.to_vec();
    pickle.extend([EMPTY_LIST, MARK]);
    for image in images {
        pickle.push(BINBYTES);
        pickle.extend((image.len() as u32).to_le_bytes());
        pickle.extend(image);
    }
    pickle.extend([APPENDS, EMPTY_LIST, MARK]);
    pickle.extend(same.iter().map(|same| if *same { NEWTRUE } else { NEWFALSE }));
    pickle.extend([APPENDS, TUPLE2, STOP]);
    pickle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pickle_is_what_python_would_read() {
        let found = pickle(&[b"ab".to_vec(), b"".to_vec()], &[true]);
        // pickletools.dis of these bytes: ([b'ab', b''], [True]).
        let expected = b"\x80\x04](B\x02\0\0\0abB\0\0\0\0e](\x88e\x86.";
        assert_eq!(found, expected);
    }
}
