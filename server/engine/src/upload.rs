//! The request's body as the statement's thread sees it: chunks as they arrive, undone from whatever compression
//! the client chose, and whether the client finished or gave up. It never holds more than a few chunks.

use std::io::{self, Read};

use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;
use futures::future::{Either, select};
use tokio::sync::mpsc;

use crate::control::Ticket;
use crate::frames;

/// What the connection's task tells the statement's thread. A channel that closes without `End` is a client that
/// went away (trap G16): what it sent must not be committed.
pub enum Part {
    Data(Bytes),
    End,
}

/// How the body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    /// The engine's own frames (`decompress=1`).
    Native,
    Gzip,
    Deflate,
    /// LZ4 frames, possibly several in a row (trap G16).
    Lz4,
    Zstd,
}

impl Packing {
    /// From `Content-Encoding`; `None` for one that is not known.
    pub fn of_encoding(name: &str) -> Option<Packing> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Packing::Plain,
            "gzip" | "x-gzip" => Packing::Gzip,
            "deflate" => Packing::Deflate,
            "lz4" => Packing::Lz4,
            "zstd" => Packing::Zstd,
            _ => return None,
        })
    }
}

/// Why reading a body stopped early.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("the client went away before the end of the body")]
    Aborted,
    #[error("cannot unpack the body: {0}")]
    Unpack(io::Error),
}

/// The body, unpacked.
pub struct Upload {
    source: Option<Source>,
    unpacked: Option<Box<dyn Read + Send>>,
}

const UNPACK_BYTES: usize = 256 * 1024;

impl Upload {
    pub fn new(parts: mpsc::Receiver<Part>, packing: Packing, ticket: Arc<Ticket>) -> Upload {
        let source = Source { parts: Some(parts), rest: Bytes::new(), ticket };
        match packing {
            Packing::Plain => Upload { source: Some(source), unpacked: None },
            packing => Upload { source: None, unpacked: Some(unpacker(source, packing)) },
        }
    }

    /// A request without a body.
    pub fn empty() -> Upload {
        Upload { source: None, unpacked: None }
    }

    /// The next piece, `None` at the end. Blocks until the client sends it. Plain bodies are passed on as they
    /// came, without a copy.
    pub fn next(&mut self) -> Result<Option<Bytes>, UploadError> {
        if let Some(source) = &mut self.source {
            return source.next().map_err(|_| UploadError::Aborted);
        }
        let Some(unpacked) = &mut self.unpacked else { return Ok(None) };
        let mut buffer = vec![0; UNPACK_BYTES];
        let mut filled = 0;
        while filled < buffer.len() {
            match unpacked.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                    return Err(UploadError::Aborted);
                }
                Err(error) => return Err(UploadError::Unpack(error)),
            }
        }
        buffer.truncate(filled);
        Ok((filled > 0).then(|| Bytes::from(buffer)))
    }
}

struct Source {
    /// `None` once the body ended.
    parts: Option<mpsc::Receiver<Part>>,
    rest: Bytes,
    ticket: Arc<Ticket>,
}

struct Aborted;

impl Source {
    fn next(&mut self) -> Result<Option<Bytes>, Aborted> {
        let Some(parts) = &mut self.parts else { return Ok(None) };
        let part = {
            // Waits for a cancel too: a client that sends nothing must not keep the engine from closing.
            let cancelled = std::pin::pin!(self.ticket.cancelled());
            let received = std::pin::pin!(parts.recv());
            match block_on(select(received, cancelled)) {
                Either::Left((part, _)) => part,
                Either::Right(_) => None,
            }
        };
        match part {
            Some(Part::Data(data)) => Ok(Some(data)),
            Some(Part::End) => {
                self.parts = None;
                Ok(None)
            }
            None => Err(Aborted),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.next() {
                Ok(Some(data)) => self.rest = data,
                Ok(None) => return Ok(0),
                Err(Aborted) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}

fn unpacker(source: Source, packing: Packing) -> Box<dyn Read + Send> {
    match packing {
        Packing::Plain => Box::new(source),
        Packing::Native => Box::new(frames::Unpack::new(source)),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
        Packing::Deflate => Box::new(flate2::read::ZlibDecoder::new(source)),
        Packing::Lz4 => {
            Box::new(Lz4Frames { decoder: Some(lz4_flex::frame::FrameDecoder::new(Peek::new(source))) })
        }
        Packing::Zstd => Box::new(ZstdFrames { input: Some(Peek::new(source)), decoder: None }),
    }
}

/// Lets a decoder of single frames be restarted while input is left.
struct Peek<R> {
    inner: R,
    held: Option<u8>,
}

impl<R: Read> Peek<R> {
    fn new(inner: R) -> Self {
        Peek { inner, held: None }
    }

    fn at_end(&mut self) -> io::Result<bool> {
        if self.held.is_none() {
            let mut byte = [0];
            if self.inner.read(&mut byte)? == 0 {
                return Ok(true);
            }
            self.held = Some(byte[0]);
        }
        Ok(false)
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.held.take() {
            Some(byte) => {
                buffer[0] = byte;
                Ok(1)
            }
            None => self.inner.read(buffer),
        }
    }
}

/// Every LZ4 frame of the input, not only the first: clients send one per block (trap G16).
struct Lz4Frames {
    decoder: Option<lz4_flex::frame::FrameDecoder<Peek<Source>>>,
}

impl Read for Lz4Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            match decoder.read(buffer)? {
                0 if decoder.get_mut().at_end()? => self.decoder = None,
                0 => {
                    let input = self.decoder.take().map(lz4_flex::frame::FrameDecoder::into_inner);
                    self.decoder = input.map(lz4_flex::frame::FrameDecoder::new);
                }
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

type ZstdDecoder = ruzstd::decoding::StreamingDecoder<Peek<Source>, ruzstd::decoding::FrameDecoder>;

/// Every zstd frame of the input.
struct ZstdFrames {
    input: Option<Peek<Source>>,
    decoder: Option<Box<ZstdDecoder>>,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let count = decoder.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
                self.input = self.decoder.take().map(|decoder| decoder.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.at_end()? {
                return Ok(0);
            }
            self.decoder = Some(Box::new(ZstdDecoder::new(input).map_err(io::Error::other)?));
        }
    }
}
