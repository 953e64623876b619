//! Every bound in one place, with its reason. Reaching one is counted and told, never silent.

/// Bytes kept of one text a stranger wrote. The longest honest user agents have about 500.
pub const UNTRUSTED_BYTES_MAX: usize = 4_096;

/// Problems stored for one file; further ones are only counted.
pub const PROBLEMS_MAX: usize = 10_000;

/// Problems printed on stderr for one run; then a count.
pub const PROBLEMS_PRINTED_MAX: usize = 20;

/// Bytes of one text line. A longer line is skipped and reported, and reading goes on.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Unpacked bytes that are always allowed before the ratio counts.
pub const UNPACK_FREE_BYTES: u64 = 16 << 20;

/// Unpacked bytes for each packed byte beyond [`UNPACK_FREE_BYTES`]. Text logs reach 50:1.
pub const UNPACK_RATIO_MAX: u64 = 200;

/// Unpacked bytes of one file.
pub const UNPACK_BYTES_MAX: u64 = 8 << 30;

/// Archives within archives: a packed member of a zip is opened, nothing deeper.
pub const UNPACK_DEPTH_MAX: usize = 2;

/// Files read from one folder or archive.
pub const MEMBERS_MAX: usize = 100_000;

/// Hosts kept in one run. At about 400 bytes each this is 0.8 GB.
pub const HOSTS_MAX: usize = 2_000_000;

/// Flows open at once, over all shards; then the least recently active is ended and counted.
pub const FLOWS_MAX: usize = 4_000_000;

/// Logical shards of the flow table, whatever the number of threads (INTERFACE: same output).
pub const FLOW_SHARDS: usize = 16;

/// Bytes of one frame: 256 KiB is libpcap's own MAXIMUM_SNAPLEN for Ethernet.
pub const FRAME_BYTES_MAX: usize = 262_144;

/// Headers within headers: tags, labels and tunnels that one frame may nest.
pub const TUNNEL_DEPTH_MAX: u8 = 4;

/// Peers named in one detection; `peer_count` is true.
pub const DETECTION_PEERS_MAX: usize = 100;

/// References kept for one detection or evidence row: enough to follow, small enough to read.
pub const REFS_MAX: usize = 20;

/// Names kept for one host.
pub const HOST_NAMES_MAX: usize = 32;

/// Own lists, places, owners and profiles that one case keeps.
pub const KEPT_SOURCES_MAX: usize = 100;

/// Bytes of one own source that a case keeps: the largest public lists have 20 MB.
pub const KEPT_SOURCE_BYTES_MAX: usize = 64 << 20;

/// Bytes of it as it is packed: a value of a case has at most 16 MiB.
pub const KEPT_PACKED_BYTES_MAX: usize = 15 << 20;

/// Bytes of all own sources that a case keeps: they are in memory while a case is opened.
pub const KEPT_BYTES_MAX: u64 = 256 << 20;
