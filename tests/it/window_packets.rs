//! Packets of a flow in the window: asked for, read again, taken apart, put together, saved; and
//! what is said where the capture is gone or another.

use std::path::Path;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use infralock::app::shell::Shell;
use infralock::engine::workbench::{Command, PacketState, Selected, Side, Snapshot};
use infralock::model::{Flow, Uid};

use crate::program::shop;
use crate::window::{has, until, window};

fn the_flow(snapshot: &Snapshot, wanted: impl Fn(&Flow) -> bool) -> Uid {
    snapshot.flows.all.iter().find(|flow| wanted(flow)).expect("the example has it").uid
}

fn http(flow: &Flow) -> bool {
    flow.service.as_deref() == Some("http")
}

/// The window with a copy of the example's capture, which may be changed.
fn with_capture<'a>(folder: &Path) -> Harness<'a, Shell> {
    let path = folder.join("capture.pcap");
    std::fs::copy(shop("capture.pcap"), &path).unwrap();
    let mut window = window();
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Open(vec![path]));
    until(&mut window, |window| !window.state().snapshot().flows.all.is_empty());
    until(&mut window, |window| !window.state().snapshot().case.is_growing);
    window
}

fn to_the_panel(window: &mut Harness<'_, Shell>) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num8);
    window.step();
}

fn is_ready(window: &Harness<'_, Shell>) -> bool {
    let snapshot = window.state().snapshot();
    snapshot.packets.as_ref().is_some_and(|it| matches!(it.state, PacketState::Ready(_)))
}

#[test]
fn a_person_goes_down_to_the_packet_and_saves_what_was_said() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    to_the_panel(&mut window);
    until(&mut window, |window| has(window, "No packets yet"));

    let uid = the_flow(&window.state().snapshot(), http);
    window.state_mut().ask(Command::Select(Some(Selected::Flow(uid))));
    until(&mut window, |window| has(window, "Show the packets of the selected flow"));
    window.get_by_label("Show the packets of the selected flow").click();
    until(&mut window, is_ready);
    until(&mut window, |window| has(window, "Fields, ") && has(window, "Ethernet"));
    let snapshot = window.state().snapshot();
    let view = snapshot.packets.clone().unwrap();
    let PacketState::Ready(packets) = &view.state else { panic!("{:?}", view.state) };
    let flow = snapshot.flows.all.iter().find(|flow| flow.uid == uid).unwrap();
    assert_eq!(packets.rows.len() as u64, flow.packets(), "all packets of the flow");
    assert_eq!((packets.rows[0].after_nanos, packets.rows[0].side), (0, Some(Side::Originator)));
    assert!(packets.rows[0].info.starts_with("SYN seq 0"), "{}", packets.rows[0].info);
    let request = packets.rows.iter().position(|row| row.info.contains("HTTP/1.1")).unwrap();
    assert!(has(&window, &format!("Packets, {} rows", packets.rows.len())));

    // The chosen packet: its fields, and its bytes as hex.
    window.state_mut().ask(Command::ChoosePacket(request as u32));
    until(&mut window, |window| {
        window.state().snapshot().packets.as_ref().unwrap().chosen.as_ref().unwrap().place
            == request as u32
    });
    let chosen = window.state().snapshot().packets.clone().unwrap().chosen.clone().unwrap();
    let field = |name: &str| chosen.fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!(field("Application").value, "http");
    assert!(field("First line").value.ends_with("HTTP/1.1"));
    let at = field("Time to live").bytes.start;
    assert_eq!(field("Time to live").value, chosen.bytes[at].to_string());
    assert!(has(&window, "0000: "), "the bytes are there");

    window.get_by_label("Stream").click();
    until(&mut window, |window| has(window, "HTTP/1.1 200"));
    let stream = view.stream.clone().unwrap();
    assert!(stream.text.iter().all(|row| row.missing == 0), "nothing was lost");
    window.get_by_label("As hex").click();
    until(&mut window, |window| has(window, "→ 47 45 54 20") || has(window, "→ 50 4f 53 54"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.pcapng");
    let save = window.query_all_by_label("Save packets …").next();
    save.expect("the panel offers it, and the inspector").click();
    until(&mut window, |window| has(window, "as a capture of their own"));
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.event(egui::Event::Text(path.to_str().unwrap().to_owned()));
    window.step();
    window.get_by_label("Save").click();
    until(&mut window, |_| path.exists());
    let saved = std::fs::read(&path).unwrap();
    let mut frames = infralock::wire::sniff(&saved).unwrap().open(Box::new(&saved[..]));
    let mut count = 0;
    while frames.next_frame().is_some() {
        count += 1;
    }
    assert_eq!(count, packets.rows.len());
}

#[test]
fn a_capture_that_is_gone_or_another_is_not_opened_and_can_be_found_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_capture(folder.path());
    let path = folder.path().join("capture.pcap");
    let moved = folder.path().join("moved.pcap");
    std::fs::rename(&path, &moved).unwrap();
    to_the_panel(&mut window);
    let uid = the_flow(&window.state().snapshot(), http);
    window.state_mut().ask(Command::ShowPackets(uid.into(), None));
    until(&mut window, |window| has(window, "The packets cannot be read"));
    assert!(has(&window, "there is no such file"), "it says why");

    // Another file in its place is told by its hash.
    std::fs::write(&path, b"\xd4\xc3\xb2\xa1 another").unwrap();
    window.get_by_label("Try again").click();
    until(&mut window, |window| has(window, "has changed since it was read"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    window.get_by_label("Try again").click();
    until(&mut window, |window| has(window, "is no regular file"));

    let field = window.get_by_role_and_label(egui::Role::TextInput, "Path of the capture");
    field.focus();
    window.step();
    window.event(egui::Event::Text(moved.to_str().unwrap().to_owned()));
    window.step();
    window.get_by_label("Look there").click();
    until(&mut window, is_ready);
    until(&mut window, |window| has(window, "Fields, "));

    // A case that is left takes its packets along.
    window.state_mut().ask(Command::NewCase);
    until(&mut window, |window| window.state().snapshot().packets.is_none());
}

#[test]
fn a_flow_that_is_not_there_is_a_sentence_and_datagrams_are_a_stream_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_capture(folder.path());
    to_the_panel(&mut window);
    window.state_mut().ask(Command::ShowPackets(Uid::from_hash([9; 12]).into(), None));
    until(&mut window, |window| has(window, "the case has no such flow any more"));
    let snapshot = window.state().snapshot();
    let udp = snapshot.flows.all.iter().find(|flow| flow.proto.as_str() == "udp");
    let Some(udp) = udp.map(|flow| flow.uid) else { return };
    window.state_mut().ask(Command::ShowPackets(udp.into(), None));
    until(&mut window, is_ready);
    let view = window.state().snapshot().packets.clone().unwrap();
    let stream = view.stream.clone().unwrap();
    assert_eq!(stream.total_bytes, stream.bytes.len() as u64);
    assert!(!stream.hex.is_empty());
}

#[test]
fn packets_of_a_host_are_those_of_all_its_flows_and_are_saved_as_one_capture() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let snapshot = window.state().snapshot();
    let hosts = &snapshot.hosts.all;
    let flows_of = |row: usize| {
        let addr = hosts.keys[row].addr();
        let is_end = |flow: &&Flow| [flow.originator.addr, flow.responder.addr].contains(&addr);
        snapshot.flows.all.iter().filter(is_end).collect::<Vec<_>>()
    };
    let row = (0..hosts.len()).find(|&row| flows_of(row).len() > 2).expect("the example has one");
    let (key, flows) = (hosts.keys[row], flows_of(row));
    let wanted: u64 = flows.iter().map(|flow| flow.packets()).sum();
    window.state_mut().ask(Command::Select(Some(Selected::Host(key))));
    to_the_panel(&mut window);
    let show = format!("Show the packets of {}", key.addr());
    until(&mut window, |window| has(window, &show));
    window.get_by_label(&show).click();
    until(&mut window, is_ready);
    until(&mut window, |window| has(window, &format!("Packets, {wanted} rows")));
    assert!(has(&window, "Peer"), "who the other end is stands in a column");
    let view = window.state().snapshot().packets.clone().unwrap();
    let PacketState::Ready(packets) = &view.state else { panic!("{:?}", view.state) };
    assert_eq!(packets.flows.len(), flows.len());
    assert!(packets.rows.is_sorted_by_key(|row| row.after_nanos));

    // The last packet's flow is another than the first one's; its stream follows.
    let last = packets.rows.len() - 1;
    window.state_mut().ask(Command::ChoosePacket(last as u32));
    window.get_by_label("Stream").click();
    let title = packets.flow_title(&packets.rows[last]);
    until(&mut window, |window| has(window, &title));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.pcapng");
    window.query_all_by_label("Save packets …").next().unwrap().click();
    until(&mut window, |window| has(window, &format!("All packets of {}", key.addr())));
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.event(egui::Event::Text(path.to_str().unwrap().to_owned()));
    window.step();
    window.get_by_label("Save").click();
    until(&mut window, |window| has(window, &format!("{wanted} packets")) && path.exists());
    until(&mut window, |window| {
        let saved = window.state().snapshot().saved.clone();
        saved.is_some()
    });
    let saved = std::fs::read(&path).unwrap();
    let mut frames = infralock::wire::sniff(&saved).unwrap().open(Box::new(&saved[..]));
    let mut count = 0;
    while frames.next_frame().is_some() {
        count += 1;
    }
    assert_eq!(count, wanted);
}

fn type_over(window: &mut Harness<'_, Shell>, text: &str) {
    window.get_by_role_and_label(egui::Role::TextInput, "Find in packets").focus();
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.event(egui::Event::Text(text.to_owned()));
    window.step();
}

/// How many places are told: the 17 of `3 of 17`.
fn places(window: &Harness<'_, Shell>, at: usize) -> Option<usize> {
    let told = format!("{at} of ");
    let labels = window.query_all_by_label_contains(&told);
    let said = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value())
    };
    let labels: Vec<String> = labels.filter_map(said).collect();
    let rest = labels.iter().find_map(|label| label.strip_prefix(&told))?;
    rest.trim_end_matches(" as bytes").parse().ok()
}

#[test]
fn text_and_bytes_are_searched_in_packets_and_in_the_stream() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let uid = the_flow(&window.state().snapshot(), http);
    window.state_mut().ask(Command::ShowPackets(uid.into(), None));
    to_the_panel(&mut window);
    until(&mut window, is_ready);
    until(&mut window, |window| has(window, "Fields, "));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    until(&mut window, |window| has(window, "Find in packets"));

    // In the bytes of packets, in either letter case: the first one with it is chosen by F3.
    type_over(&mut window, "hTTp/1.");
    until(&mut window, |window| places(window, 1).is_some());
    let count = places(&window, 1).unwrap();
    let view = window.state().snapshot().packets.clone().unwrap();
    let found = view.found.clone().unwrap();
    assert!(count > 1 && found.in_packets.len() == count, "{count}");
    window.key_press(egui::Key::F3);
    until(&mut window, |window| places(window, 2) == Some(count));
    let second = found.in_packets[1].packet;
    until(&mut window, |window| {
        let view = window.state().snapshot().packets.clone().unwrap();
        view.chosen.as_ref().unwrap().place == second
    });
    window.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::F3);
    window.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::F3);
    until(&mut window, |window| places(window, count) == Some(count));

    // In the stream; as bytes; and where there is none.
    window.get_by_label("Stream").click();
    until(&mut window, |window| places(window, 1) == Some(found.in_stream.len()));
    type_over(&mut window, "0d 0a 0d 0a");
    until(&mut window, |window| has(window, " as bytes") && places(window, 1).is_some());
    window.get_by_label("Next place").click();
    until(&mut window, |window| places(window, 2).is_some());
    type_over(&mut window, "nobody said this");
    until(&mut window, |window| has(window, "not found"));

    window.get_by_label("Close the search").click();
    until(&mut window, |window| !has(window, "Find in packets"));
    // In another view the same key goes to the filter.
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num2);
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    window.step();
    window.step();
    assert!(!has(&window, "Find in packets"));
}
