//! A path to write to: typed, or chosen in the system's dialog where there is one.

use std::path::PathBuf;

use egui::{Id, Key, RichText, Role, TextEdit, Ui, WidgetInfo};

use crate::app::theme::Palette;

/// A path being typed.
#[derive(Clone, Debug, Default)]
pub struct PathField {
    text: String,
    /// Whether the cursor was put into it.
    begun: bool,
}

impl PathField {
    /// With a path to begin with.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), begun: false }
    }

    /// The path as it is typed.
    pub fn path(&self) -> PathBuf {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?));
        let below = self.text.trim().strip_prefix("~/");
        below
            .and_then(|below| Some(home()?.join(below)))
            .unwrap_or_else(|| PathBuf::from(self.text.trim()))
    }

    /// Draws field and buttons. `Some(Some(path))`: write there; `Some(None)`: not at all.
    pub fn ui(&mut self, ui: &mut Ui, name: &str, verb: &str) -> Option<Option<PathBuf>> {
        let picked = Id::unique(("picked path", name));
        if let Some(path) = ui.data_mut(|data| data.remove_temp::<PathBuf>(picked)) {
            self.text = path.display().to_string();
        }
        let mut answer = None;
        let field = TextEdit::singleline(&mut self.text).font(egui::TextStyle::Monospace);
        let field = ui.add(field.desired_width(f32::INFINITY));
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
        if !std::mem::replace(&mut self.begun, true) {
            field.request_focus();
        }
        let path = self.path();
        let exists = path.exists();
        if exists {
            let told = "There is such a file: it would be replaced";
            ui.label(RichText::new(told).color(Palette::of(ui).failed));
        }
        let verb = if exists { format!("{verb} over it") } else { verb.to_owned() };
        ui.horizontal(|ui| {
            let ready = !self.text.trim().is_empty() && !path.is_dir();
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let pressed = ui.add_enabled(ready, egui::Button::new(verb)).clicked();
            // Enter alone never replaces a file.
            if pressed || (entered && ready && !exists) {
                answer = Some(Some(path));
            }
            if ui.button("Browse …").clicked() {
                browse(ui.ctx(), picked, &self.text);
            }
            if ui.button("Cancel").clicked() {
                answer = Some(None);
            }
        });
        answer
    }
}

/// Asks in a thread of its own, so that the window goes on; the answer arrives in a later frame.
fn browse(ctx: &egui::Context, picked: Id, text: &str) {
    let (ctx, name) = (ctx.clone(), text.to_owned());
    let ask = move || {
        let name = PathBuf::from(name);
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        // `None` is "nothing chosen", or no portal to ask: the field is always there.
        if let Some(path) = rfd::FileDialog::new().set_file_name(name).save_file() {
            ctx.data_mut(|data| data.insert_temp(picked, path));
            ctx.request_repaint();
        }
    };
    std::thread::Builder::new().name("file-dialog".to_owned()).spawn(ask).ok();
}
