//! The window: draws a snapshot, sends commands, never waits.
//!
//! [`shell`] is the frame: menus, rail, tiles, inspector, timeline. Each view is one file in
//! [`panels`] and one line in its list; [`widgets`] are what they share; [`theme`] alone knows
//! colours and sizes.

mod about;
pub mod actions;
mod age;
mod banner;
pub mod copy;
mod first_frame;
mod keeper;
pub mod layout;
pub mod palette;
pub mod panels;
pub mod settings;
mod settings_ui;
pub mod shell;
pub mod theme;
pub mod times;
mod top_bar;
pub mod units;
mod views;
pub mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

use self::first_frame::FirstFrame;
use crate::engine::workbench::{Command, Shelf, Workbench, recovery_folder};

/// What the window shows at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// The start page.
    #[default]
    Start,
    /// Files, read into a new case.
    Files(Vec<PathBuf>),
}

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// A sentence, where there is no display or no OpenGL.
pub fn run(first: First) -> Result<(), String> {
    let first_frame = FirstFrame::awaited();
    let viewport = egui::ViewportBuilder::default()
        .with_title("InfraLock Workbench")
        .with_app_id("infralock")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([800.0, 500.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let start = move |creation: &eframe::CreationContext<'_>| {
        let ctx = creation.egui_ctx.clone();
        let repaint = Arc::new(move || ctx.request_repaint());
        let workbench = Workbench::start_with(repaint, recovery_folder(), Shelf::of_this_person())?;
        theme::install(&creation.egui_ctx);
        let mut shell = shell::Shell::with_settings(workbench, settings::path());
        if let First::Files(paths) = first {
            shell.ask(Command::Open(paths));
        }
        shell.first_frame = first_frame;
        let app: Box<dyn eframe::App> = Box::new(shell);
        Ok(app)
    };
    eframe::run_native("infralock", options, Box::new(start)).map_err(|error| error.to_string())
}
