//! Jobs of this run: the line below, the view, what failed, and how they are put away.

use std::io::Write;

use egui::OutputCommand;
use egui_kittest::kittest::Queryable;
use infralock::engine::workbench::{Command, JobState};

use crate::window::{has, until, window};

#[test]
fn a_failure_is_seen_below_told_in_the_view_copied_and_put_away() {
    let mut file = tempfile::Builder::new().suffix(".bin").tempfile().unwrap();
    file.write_all(b"\x7fELF\x02\x01\x01\0\0\0").unwrap();
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    until(&mut window, |window| has(window, "1 job"));
    window.state_mut().ask(Command::Open(vec![file.path().to_owned()]));
    until(&mut window, |window| has(window, "1 failed"));

    // A click on the line below brings the view to the front.
    window.get_by_label("1 failed").click();
    until(&mut window, |window| has(window, "2 jobs of this run, 0 still to end"));
    assert!(has(&window, "done") && has(&window, "failed"), "in words, not by colour alone");
    let copy = window.query_all_by_label_contains("Copy why it failed").next();
    copy.expect("what failed can be handed to somebody").click();
    window.step();
    let copied =
        window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
    let copied = copied.expect("it is on the clipboard");
    assert!(copied.starts_with("Reading ") && copied.contains("no capture, log"), "{copied}");

    let jobs = window.state().snapshot().jobs.clone();
    for job in jobs.iter() {
        let (begun, ended) = (job.begun.unwrap(), job.ended.unwrap());
        assert!(job.asked <= begun && begun <= ended, "{job:?}");
    }
    assert!(matches!(jobs[1].state, JobState::Failed(_)), "{jobs:?}");

    window.get_by_label("Clear finished").click();
    until(&mut window, |window| has(window, "No jobs yet"));
    assert!(window.state().snapshot().jobs.is_empty());
    assert!(window.query_by_label("No jobs").is_some(), "the line below keeps its place");
}

#[test]
fn a_job_whose_case_is_left_is_listed_as_stopped() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    // What waits has not begun when the case is left: both are asked for in one frame.
    window.state_mut().ask(Command::OpenExample);
    window.state_mut().ask(Command::NewCase);
    until(&mut window, |window| {
        window.state().snapshot().jobs.iter().any(|job| job.state.is_over())
    });
    let jobs = window.state().snapshot().jobs.clone();
    let stopped = JobState::Stopped("its case was left".to_owned());
    assert_eq!(jobs[0].state, stopped, "{jobs:?}");
    assert!(has(&window, "Who is behind it"), "and the start page is there again");
}
