//! The engine's own compressed frames, as `compress=1` and `decompress=1` use them: checksum (16 bytes, CityHash
//! 1.0.2), method, compressed size with this 9-byte header, plain size, data. It never trusts a size or a checksum.

use std::io::{self, Read};

use bytes::Bytes;

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
const METHOD_ZSTD: u8 = 0x90;
/// The engine's own limit for one frame.
const FRAME_BYTES_MAX: usize = 1 << 30;
/// Plain bytes to a frame when packing, the size the engine uses.
const PACK_BYTES: usize = 1 << 20;

fn checksum(data: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(data).rotate_right(64).to_le_bytes()
}

/// Packs `data` into LZ4 frames.
pub fn pack(data: &[u8]) -> Bytes {
    let mut out = Vec::new();
    for piece in data.chunks(PACK_BYTES) {
        let start = out.len();
        out.resize(start + CHECKSUM_BYTES + HEADER_BYTES, 0);
        out.extend_from_slice(&lz4_flex::block::compress(piece));
        let frame = &mut out[start..];
        let length = u32::try_from(frame.len() - CHECKSUM_BYTES).expect("a frame of about 1 MiB");
        frame[CHECKSUM_BYTES] = METHOD_LZ4;
        frame[CHECKSUM_BYTES + 1..][..4].copy_from_slice(&length.to_le_bytes());
        let plain = u32::try_from(piece.len()).expect("at most 1 MiB");
        frame[CHECKSUM_BYTES + 5..][..4].copy_from_slice(&plain.to_le_bytes());
        let sum = checksum(&frame[CHECKSUM_BYTES..]);
        frame[..CHECKSUM_BYTES].copy_from_slice(&sum);
    }
    out.into()
}

/// Unpacks frames until the input ends.
pub struct Unpack<R> {
    input: R,
    plain: Bytes,
}

impl<R: Read> Unpack<R> {
    pub fn new(input: R) -> Self {
        Unpack { input, plain: Bytes::new() }
    }

    /// The next frame, `None` at the end of the input.
    fn frame(&mut self) -> io::Result<Option<Bytes>> {
        let mut head = [0; CHECKSUM_BYTES + HEADER_BYTES];
        let mut filled = 0;
        while filled < head.len() {
            match self.input.read(&mut head[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        let size = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes")) as usize;
        let (packed, plain) = (size(CHECKSUM_BYTES + 1), size(CHECKSUM_BYTES + 5));
        if !(HEADER_BYTES..=FRAME_BYTES_MAX).contains(&packed) || plain > FRAME_BYTES_MAX {
            return Err(broken("a frame's size is out of bounds"));
        }
        // Grown by what really arrives, not by what the header claims.
        let mut data = head[CHECKSUM_BYTES..].to_vec();
        let rest = (packed - HEADER_BYTES) as u64;
        if (&mut self.input).take(rest).read_to_end(&mut data)? as u64 != rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if checksum(&data) != head[..CHECKSUM_BYTES] {
            return Err(broken("a frame's checksum does not match"));
        }
        let body = &data[HEADER_BYTES..];
        let out = match data[0] {
            METHOD_NONE => body.to_vec(),
            METHOD_LZ4 => {
                lz4_flex::block::decompress(body, plain).map_err(|error| broken(&error.to_string()))?
            }
            METHOD_ZSTD => {
                let mut out = Vec::new();
                let decoder = ruzstd::decoding::StreamingDecoder::new(body).map_err(io::Error::other)?;
                decoder.take(plain as u64 + 1).read_to_end(&mut out)?;
                out
            }
            _ => return Err(broken("a frame's method is not LZ4, zstd or none")),
        };
        if out.len() != plain {
            return Err(broken("a frame's plain size does not match"));
        }
        Ok(Some(out.into()))
    }
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.plain.is_empty() {
            match self.frame()? {
                Some(plain) => self.plain = plain,
                None => return Ok(0),
            }
        }
        let count = self.plain.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.plain.split_to(count));
        Ok(count)
    }
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Unpack::new(data).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn several_frames_come_back_as_one() {
        let data: Vec<u8> = (0..3_000_000u32).map(|n| (n / 7) as u8).collect();
        assert_eq!(unpack(&pack(&data)).unwrap(), data);
        assert!(unpack(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_or_cut_frame_is_an_error() {
        let packed = pack(b"hello hello hello");
        for cut in 1..packed.len() {
            assert!(unpack(&packed[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..packed.len() {
            let mut damaged = packed.to_vec();
            damaged[at] ^= 1;
            assert!(unpack(&damaged).is_err(), "damaged at {at}");
        }
    }
}
