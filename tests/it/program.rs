//! Runs the program as a user would, in an empty folder, without network and without a home.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of own feeds that is not there: nobody's own are heard or touched.
pub const NO_FEEDS: &str = "/nonexistent/feeds";

/// The program with these arguments, its output caught.
pub fn infralock(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infralock"));
    command
        .args(arguments)
        .env_remove("INFRALOCK_DATA")
        .env("INFRALOCK_FEEDS", NO_FEEDS)
        .stdin(Stdio::null());
    // No window may open while tests run.
    for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(display);
    }
    command
}

/// Runs it and gives what it said.
pub fn run(arguments: &[&str]) -> Output {
    infralock(arguments).output().unwrap()
}

/// Runs it with a text on standard input.
pub fn run_with(arguments: &[&str], stdin: &[u8]) -> Output {
    use std::io::Write;
    let mut command = infralock(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let text = stdin.to_vec();
    let writing = std::thread::Builder::new().name("stdin".into());
    // A program that ends early closes the pipe, which is no error here.
    let writing = writing.spawn(move || pipe.write_all(&text).ok()).unwrap();
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

/// Standard output as text.
pub fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error as text.
pub fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file or folder of the example.
pub fn shop(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop").join(name);
    path.to_str().unwrap().to_owned()
}

/// The options that give the example its own context.
pub fn shop_context() -> Vec<String> {
    [
        "--mine".to_owned(),
        "192.0.2.0/24".to_owned(),
        "--geofeed".to_owned(),
        shop("context/geofeed.csv"),
        "--as-table".to_owned(),
        shop("context/as-table.csv"),
        "--list".to_owned(),
        format!("tor-relays={}:tor", shop("context/tor-relays.txt")),
        "--list".to_owned(),
        format!("crawlers={}:crawler", shop("context/crawlers.txt")),
    ]
    .into()
}

/// `command` on the example's three files in its own context, with further options.
pub fn on_the_shop(command: &[&str], further: &[&str]) -> Output {
    let (files, context) = (["access.log", "auth.log", "capture.pcap"].map(shop), shop_context());
    let mut arguments: Vec<&str> = command.to_vec();
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(["--realm", "shop"]);
    arguments.extend(context.iter().map(String::as_str));
    arguments.extend(further);
    run(&arguments)
}
