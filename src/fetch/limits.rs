//! What a request may take, each with its reason.

use std::time::Duration;

/// Bytes of one answer. The largest databases of places have 130 MB packed.
pub const ANSWER_BYTES_MAX: usize = 512 << 20;

/// Redirects that are followed: publishers send to a mirror, and the mirror to a store of files.
pub const REDIRECTS_MAX: usize = 4;

/// Bytes of an address (URL). Signed addresses of file stores have 2,000.
pub const URL_BYTES_MAX: usize = 4_096;

/// Bytes of the head of an answer.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// Bytes of a server's name for a state (ETag) and of its date.
pub const VALIDATOR_BYTES_MAX: usize = 256;

/// Time to look up a name. A resolver asks its own servers for some seconds at most.
pub const RESOLVE_TIME: Duration = Duration::from_secs(10);

/// Time to connect, with TLS: several round trips around the world.
pub const CONNECT_TIME: Duration = Duration::from_secs(20);

/// Time until the head of an answer is there: some servers make the file first.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Time without a byte, after which a server is not waited for.
pub const SILENCE_TIME: Duration = Duration::from_secs(30);

/// Time of a request as a whole: 512 MB at 1 MB/s, and no drip of bytes without end.
pub const WHOLE_TIME: Duration = Duration::from_secs(600);
