//! A last word when a mapped file is cut by somebody else.
//!
//! The system ends a process that reads past the end of a mapped file with `SIGBUS`, and nobody is
//! told why. No library can give an answer there: what was asked for is gone. So the program still
//! ends, but says what happened first. An image that is read into memory
//! ([`Image::read`](crate::Image::read)) cannot be cut at all.

#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
static SENTENCE: OnceLock<&'static str> = OnceLock::new();

/// From now on a `SIGBUS` writes `sentence` to standard error before it ends the process. The first
/// sentence counts. Does nothing where there are no such signals.
pub fn explain_bus_errors(sentence: &'static str) {
    #[cfg(unix)]
    if SENTENCE.set(sentence).is_ok() {
        install();
    }
    #[cfg(not(unix))]
    drop(sentence);
}

#[cfg(unix)]
fn install() {
    // SAFETY: all bits zero is a `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_bus_error as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // Once: when the same read is tried again after the handler, the system's own answer follows.
    action.sa_flags = libc::SA_RESETHAND;
    // SAFETY: the action is initialised, its handler has the signature for no `SA_SIGINFO` and
    // calls only what POSIX allows in a handler.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) };
}

#[cfg(unix)]
extern "C" fn on_bus_error(_signal: libc::c_int) {
    // Set before the handler was installed, so this neither waits nor allocates.
    let Some(sentence) = SENTENCE.get() else { return };
    // SAFETY: `write` is allowed in a handler, and the bytes are a static text.
    unsafe { libc::write(libc::STDERR_FILENO, sentence.as_ptr().cast(), sentence.len()) };
}
