//! Where lines leave: a file descriptor that several threads write to, whole lines at a time.

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

/// Most slices given to one write; the kernel's own limit is 1,024.
const SLICES_MAX: usize = 512;

/// A shared file descriptor.
#[derive(Debug, Clone)]
pub struct Outlet(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fd: OwnedFd,
    /// The last byte written ends a line. Held by whoever writes.
    line_ended: Mutex<bool>,
}

impl Outlet {
    /// Writes to `fd`.
    pub fn new(fd: OwnedFd) -> Self {
        Self(Arc::new(Shared {
            fd,
            line_ended: Mutex::new(true),
        }))
    }

    /// Writes lines that belong together. The last may lack its newline, where the input's own did.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more, `Output` for everything else.
    pub fn lines(&self, slices: &mut [IoSlice<'_>]) -> Result<()> {
        let Some(last) = slices.last() else {
            return Ok(());
        };
        let mut line_ended = self.turn();
        let ends = last.ends_with(b"\n");
        slices
            .chunks_mut(SLICES_MAX)
            .try_for_each(|slices| write_all(&self.0.fd, slices))?;
        *line_ended = ends;
        Ok(())
    }

    /// Writes a line, which has its newline, on a line of its own.
    ///
    /// # Errors
    /// As for [`Self::lines`].
    pub fn say(&self, line: &[u8]) -> Result<()> {
        let mut line_ended = self.turn();
        let newline: &[u8] = if *line_ended { b"" } else { b"\n" };
        *line_ended = true;
        write_all(&self.0.fd, &mut [IoSlice::new(newline), IoSlice::new(line)])
    }

    fn turn(&self) -> std::sync::MutexGuard<'_, bool> {
        let turn = self.0.line_ended.lock();
        turn.unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

/// Writes all slices.
pub(super) fn write_all(out: &OwnedFd, mut slices: &mut [IoSlice<'_>]) -> Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match rustix::io::writev(out.as_fd(), slices) {
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_for_room(out)?,
            Err(Errno::PIPE) => {
                return Err(
                    Error::new(ErrorKind::Closed, "the reader of the output went away")
                        .hint("look at the messages of the destination"),
                );
            }
            Err(error) => {
                return Err(Error::new(ErrorKind::Output, "writing the output failed")
                    .because(std::io::Error::from(error)));
            }
        }
    }
    Ok(())
}

fn wait_for_room(out: &OwnedFd) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(
            Error::new(ErrorKind::Output, "waiting for the output failed")
                .because(std::io::Error::from(error)),
        ),
    }
}
