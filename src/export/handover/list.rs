//! Plain lists: one address a line, as blocklists and mails want them; defanged on wish.

use std::io::{self, Write};

use super::{Format, Handed, Met};

/// One address a line.
pub(super) static PLAIN: Format = Format {
    id: "list",
    name: "Plain list",
    extension: "txt",
    what: "One address a line, for blocklists and for other tools; comments begin with #.",
    source: "what blocklist publishers do",
    is_text: true,
    write: |out, handed| write(out, handed, str::to_owned),
};

/// The same, so that no program makes links of it.
pub(super) static DEFANGED: Format = Format {
    id: "defanged",
    name: "Defanged list",
    extension: "txt",
    what: "One address a line that no program makes a link of, for mails and tickets.",
    source: "the custom of incident responders; read back by every command here",
    is_text: true,
    write: |out, handed| write(out, handed, defanged),
};

/// `203[.]0[.]113[.]9`, `2001[:]db8[:][:]1`: no program makes a link of it.
pub fn defanged(addr: &str) -> String {
    match addr.contains(':') {
        true => addr.replace(':', "[:]"),
        false => addr.replace('.', "[.]"),
    }
}

fn write(out: &mut dyn Write, handed: Handed<'_>, shown: fn(&str) -> String) -> io::Result<()> {
    for line in handed.preamble() {
        writeln!(out, "# {line}")?;
    }
    let listed = handed.listed();
    let mut met = Met::default();
    for host in handed.hosts {
        if met.is_new(host.addr) {
            writeln!(out, "{}", shown(&host.addr.to_string()))?;
        }
    }
    for prefix in listed {
        writeln!(out, "{}", shown(&prefix.to_string()))?;
    }
    Ok(())
}
