//! Colours, sizes, fonts, icons: the only place that knows them.
//!
//! One quiet ground, one accent that means "selected", colour for data alone. Bands are told by
//! shape, word and number; the colours repeat it. They come from Okabe and Ito's palette (2008),
//! which people with red-green or blue-yellow blindness can tell apart, darkened where a light
//! ground asks for contrast. A test computes the contrast of each pair (WCAG 2.2: text 4.5:1,
//! marks 3:1).

use std::sync::Arc;

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow,
    Stroke, Style, TextStyle, Theme, ThemePreference, Vec2, Visuals,
};

use super::actions::Look;
use super::settings::Density;
use crate::engine::workbench::Verdict;

/// Height of a row in points.
pub const ROW: f32 = 22.0;
/// Space between things that belong together.
pub const SPACE: f32 = 8.0;
/// Small text: section heads.
pub const HEAD: f32 = 11.0;
/// Text.
pub const BODY: f32 = 13.0;
/// Titles.
pub const TITLE: f32 = 16.0;
/// The score of the inspector.
pub const NUMBER: f32 = 28.0;

/// Height of a row in points, in the density that is set.
pub fn row(ui: &egui::Ui) -> f32 {
    ui.spacing().interact_size.y
}

/// The family of addresses, hashes and bytes.
pub fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// The family of text.
pub fn text(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// The family of headings.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("strong".into()))
}

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// The ground of everything.
    pub ground: Color32,
    /// The ground of bars, heads and fields.
    pub raised: Color32,
    /// The ground under the pointer.
    pub hovered: Color32,
    /// Lines between panels.
    pub hairline: Color32,
    /// Text.
    pub text: Color32,
    /// Text that comes second.
    pub quiet: Color32,
    /// "Selected", and nothing else.
    pub accent: Color32,
    /// The ground of a selected row.
    pub selected: Color32,
    /// What went wrong.
    pub failed: Color32,
    /// What deserves care.
    pub warned: Color32,
    /// Water on the map.
    pub water: Color32,
    /// Land on the map.
    pub land: Color32,
    /// Borders on the map.
    pub border: Color32,
    /// Bands, from unknown to critical.
    pub bands: [Color32; 6],
    /// Amounts: flows, bytes.
    pub amount: Color32,
    /// Things of which each has a colour of its own.
    pub things: [Color32; 7],
    /// Things that are too many for that.
    pub others: [Color32; 6],
}

/// Light on dark.
pub const DARK: Palette = Palette {
    ground: Color32::from_rgb(13, 13, 13),
    raised: Color32::from_rgb(24, 24, 26),
    hovered: Color32::from_rgb(38, 38, 42),
    hairline: Color32::from_rgb(46, 46, 50),
    text: Color32::from_rgb(226, 226, 230),
    quiet: Color32::from_rgb(152, 152, 160),
    accent: Color32::from_rgb(60, 134, 240),
    selected: Color32::from_rgb(20, 52, 98),
    failed: Color32::from_rgb(255, 120, 90),
    warned: Color32::from_rgb(230, 172, 40),
    water: Color32::from_rgb(13, 13, 13),
    land: Color32::from_rgb(34, 35, 38),
    border: Color32::from_rgb(62, 64, 70),
    bands: [
        Color32::from_rgb(140, 140, 148),
        Color32::from_rgb(128, 128, 136),
        Color32::from_rgb(86, 180, 233),
        Color32::from_rgb(230, 159, 0),
        Color32::from_rgb(240, 110, 40),
        Color32::from_rgb(245, 80, 150),
    ],
    amount: Color32::from_rgb(124, 154, 190),
    things: [
        Color32::from_rgb(230, 159, 0),
        Color32::from_rgb(86, 180, 233),
        Color32::from_rgb(0, 158, 115),
        Color32::from_rgb(240, 228, 66),
        Color32::from_rgb(0, 114, 178),
        Color32::from_rgb(213, 94, 0),
        Color32::from_rgb(204, 121, 167),
    ],
    others: [
        Color32::from_rgb(96, 104, 124),
        Color32::from_rgb(112, 98, 116),
        Color32::from_rgb(96, 116, 106),
        Color32::from_rgb(122, 112, 94),
        Color32::from_rgb(84, 106, 116),
        Color32::from_rgb(120, 100, 100),
    ],
};

/// Dark on light.
pub const LIGHT: Palette = Palette {
    ground: Color32::from_rgb(255, 255, 255),
    raised: Color32::from_rgb(244, 244, 246),
    hovered: Color32::from_rgb(230, 231, 235),
    hairline: Color32::from_rgb(214, 215, 220),
    text: Color32::from_rgb(24, 24, 28),
    quiet: Color32::from_rgb(96, 97, 105),
    accent: Color32::from_rgb(24, 90, 200),
    selected: Color32::from_rgb(208, 225, 250),
    failed: Color32::from_rgb(180, 40, 20),
    warned: Color32::from_rgb(138, 90, 0),
    water: Color32::from_rgb(236, 240, 244),
    land: Color32::from_rgb(255, 255, 255),
    border: Color32::from_rgb(190, 194, 202),
    bands: [
        Color32::from_rgb(120, 120, 128),
        Color32::from_rgb(110, 110, 118),
        Color32::from_rgb(0, 114, 178),
        Color32::from_rgb(160, 104, 0),
        Color32::from_rgb(196, 72, 0),
        Color32::from_rgb(190, 20, 100),
    ],
    amount: Color32::from_rgb(84, 116, 156),
    things: [
        Color32::from_rgb(190, 122, 0),
        Color32::from_rgb(40, 140, 200),
        Color32::from_rgb(0, 136, 98),
        Color32::from_rgb(140, 126, 0),
        Color32::from_rgb(0, 80, 140),
        Color32::from_rgb(196, 72, 0),
        Color32::from_rgb(180, 84, 138),
    ],
    others: [
        Color32::from_rgb(126, 134, 154),
        Color32::from_rgb(142, 128, 146),
        Color32::from_rgb(126, 146, 136),
        Color32::from_rgb(148, 138, 120),
        Color32::from_rgb(116, 138, 148),
        Color32::from_rgb(150, 130, 130),
    ],
};

/// White on black, with strong lines: text has 7:1 everywhere (WCAG 2.2, AAA).
pub const CONTRAST: Palette = Palette {
    ground: Color32::from_rgb(0, 0, 0),
    raised: Color32::from_rgb(0, 0, 0),
    hovered: Color32::from_rgb(48, 48, 56),
    hairline: Color32::from_rgb(150, 150, 158),
    text: Color32::from_rgb(255, 255, 255),
    quiet: Color32::from_rgb(214, 214, 222),
    accent: Color32::from_rgb(110, 180, 255),
    selected: Color32::from_rgb(0, 52, 120),
    failed: Color32::from_rgb(255, 158, 138),
    warned: Color32::from_rgb(255, 206, 84),
    water: Color32::from_rgb(0, 0, 0),
    land: Color32::from_rgb(34, 34, 40),
    border: Color32::from_rgb(140, 140, 150),
    bands: [
        Color32::from_rgb(200, 200, 208),
        Color32::from_rgb(190, 190, 198),
        Color32::from_rgb(120, 200, 250),
        Color32::from_rgb(250, 190, 50),
        Color32::from_rgb(255, 140, 80),
        Color32::from_rgb(255, 120, 180),
    ],
    amount: Color32::from_rgb(170, 196, 228),
    things: [
        Color32::from_rgb(250, 180, 40),
        Color32::from_rgb(110, 200, 250),
        Color32::from_rgb(40, 190, 145),
        Color32::from_rgb(250, 240, 100),
        Color32::from_rgb(70, 150, 240),
        Color32::from_rgb(255, 130, 60),
        Color32::from_rgb(235, 150, 200),
    ],
    others: [
        Color32::from_rgb(120, 130, 152),
        Color32::from_rgb(138, 122, 142),
        Color32::from_rgb(120, 142, 130),
        Color32::from_rgb(148, 138, 116),
        Color32::from_rgb(106, 132, 144),
        Color32::from_rgb(148, 124, 124),
    ],
};

/// The scale from little to much, in equal steps.
const CIVIDIS: [Color32; 6] = [
    Color32::from_rgb(0, 34, 78),
    Color32::from_rgb(59, 73, 108),
    Color32::from_rgb(112, 113, 115),
    Color32::from_rgb(165, 156, 116),
    Color32::from_rgb(225, 204, 85),
    Color32::from_rgb(254, 232, 56),
];

/// Puts a theme on, with rows of a height.
pub fn wear(ctx: &Context, look: Look, density: Density) {
    let dark = match look {
        Look::HighContrast => &CONTRAST,
        Look::Dark | Look::Light | Look::System => &DARK,
    };
    for (theme, visuals, palette) in
        [(Theme::Dark, Visuals::dark(), dark), (Theme::Light, Visuals::light(), &LIGHT)]
    {
        let mut style = style(visuals, palette);
        style.spacing.interact_size.y = density.row();
        ctx.set_style_of(theme, style);
    }
    ctx.set_theme(match look {
        Look::Dark | Look::HighContrast => ThemePreference::Dark,
        Look::Light => ThemePreference::Light,
        Look::System => ThemePreference::System,
    });
}

impl Palette {
    /// The palette of the theme that is on.
    pub fn of(ui: &egui::Ui) -> &'static Self {
        let visuals = ui.visuals();
        match visuals.dark_mode {
            true if visuals.panel_fill == CONTRAST.ground => &CONTRAST,
            true => &DARK,
            false => &LIGHT,
        }
    }

    /// The colour of an amount from 0 to 255 on the scale cividis (Nuñez et al. 2018), which is
    /// read alike by all eyes: the more, the farther from the ground.
    pub fn scaled(&self, amount: u8) -> Color32 {
        let part = f32::from(amount) / 255.0;
        // The darkest and the lightest fifth would not stand out from the ground.
        let is_dark = self.ground.r() < 128;
        let at = if is_dark { 0.22 + 0.78 * part } else { 0.78 - 0.78 * part };
        let step = at * (CIVIDIS.len() - 1) as f32;
        let low = (step as usize).min(CIVIDIS.len() - 2);
        let (from, to) = (CIVIDIS[low], CIVIDIS[low + 1]);
        from.lerp_to_gamma(to, step - low as f32)
    }

    /// The colour of one thing among many: the largest have colours of their own.
    pub fn thing(&self, number: u32, rank: Option<usize>) -> Color32 {
        match rank.and_then(|rank| self.things.get(rank)) {
            Some(&colour) => colour,
            // Neighbouring numbers differ (Knuth's multiplicative hash).
            None => {
                let hash = number.wrapping_mul(2_654_435_769) >> 16;
                self.others[hash as usize % self.others.len()]
            }
        }
    }

    /// The colour of a band.
    pub const fn band(&self, verdict: Verdict) -> Color32 {
        self.bands[verdict as usize]
    }
}

/// Icons of Phosphor, regular (MIT): one picture, one meaning, never without a name.
pub mod icon {
    /// Search.
    pub const SEARCH: &str = "\u{f30c}";
    /// Close, remove.
    pub const CLOSE: &str = "\u{f4f6}";
    /// Back.
    pub const BACK: &str = "\u{f138}";
    /// Forward.
    pub const FORWARD: &str = "\u{f13a}";
    /// Hosts.
    pub const HOSTS: &str = "\u{f2f4}";
    /// Map.
    pub const MAP: &str = "\u{f31a}";
    /// Flows.
    pub const FLOWS: &str = "\u{f0a0}";
    /// Records.
    pub const RECORDS: &str = "\u{f476}";
    /// Detections.
    pub const DETECTIONS: &str = "\u{f412}";
    /// Packets.
    pub const PACKETS: &str = "\u{f466}";
    /// Problems.
    pub const PROBLEMS: &str = "\u{f4e0}";
    /// Care is needed.
    pub const WARNING: &str = "\u{f4e0}";
    /// Data.
    pub const DATA: &str = "\u{f1de}";
    /// The prefixes around one address.
    pub const EXPLORER: &str = "\u{f1d6}";
    /// All addresses along a curve.
    pub const SPACE: &str = "\u{f39c}";
    /// Jobs.
    pub const JOBS: &str = "\u{fadc}";
    /// Left side.
    pub const LEFT: &str = "\u{fc24}";
    /// Right side.
    pub const RIGHT: &str = "\u{f462}";
    /// Foot of the window.
    pub const BOTTOM: &str = "\u{fb16}";
    /// Takes the whole middle.
    pub const EXPAND: &str = "\u{f1d0}";
    /// Gives it back.
    pub const SHRINK: &str = "\u{f1ce}";
    /// Sorted with the smallest first.
    pub const UP: &str = "\u{f13c}";
    /// Sorted with the largest first; something unfolded.
    pub const DOWN: &str = "\u{f136}";
    /// A picture of what is shown.
    pub const PICTURE: &str = "\u{f10e}";
    /// Columns of a table.
    pub const COLUMNS: &str = "\u{f546}";
    /// Rows of one thing together.
    pub const GROUP: &str = "\u{f67c}";
    /// Copy.
    pub const COPY: &str = "\u{f1ca}";
    /// Help.
    pub const HELP: &str = "\u{f3e8}";
    /// Whole world.
    pub const WORLD: &str = "\u{f28c}";
    /// More.
    pub const PLUS: &str = "\u{f3d4}";
    /// What lies inside a line drawn by hand.
    pub const LASSO: &str = "\u{fdc6}";
    /// Less.
    pub const MINUS: &str = "\u{f32a}";
}

/// Sets fonts and the first theme.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    wear(ctx, Look::default(), Density::default());
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let files: [(&str, &'static [u8]); 4] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        ("inter-semibold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf")),
        ("jetbrains-mono", include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf")),
        ("phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let families = [
        (FontFamily::Proportional, ["inter", "jetbrains-mono", "phosphor"]),
        (FontFamily::Monospace, ["jetbrains-mono", "inter", "phosphor"]),
        (FontFamily::Name("strong".into()), ["inter-semibold", "jetbrains-mono", "phosphor"]),
    ];
    for (family, names) in families {
        fonts.families.insert(family, names.map(str::to_owned).to_vec());
    }
    fonts
}

fn style(mut visuals: Visuals, palette: &Palette) -> Style {
    let p = palette;
    visuals.override_text_color = None;
    visuals.panel_fill = p.ground;
    visuals.window_fill = p.raised;
    visuals.window_stroke = Stroke::new(1.0, p.hairline);
    visuals.window_corner_radius = CornerRadius::same(4);
    visuals.menu_corner_radius = CornerRadius::same(4);
    visuals.window_shadow = Shadow::NONE;
    visuals.popup_shadow = Shadow::NONE;
    visuals.extreme_bg_color = p.raised;
    visuals.faint_bg_color = p.raised;
    visuals.code_bg_color = p.raised;
    visuals.hyperlink_color = p.accent;
    visuals.warn_fg_color = p.warned;
    visuals.error_fg_color = p.failed;
    visuals.weak_text_color = Some(p.quiet);
    visuals.selection.bg_fill = p.selected;
    visuals.selection.stroke = Stroke::new(1.0, p.text);
    visuals.indent_has_left_vline = false;
    let widgets = [
        (&mut visuals.widgets.noninteractive, p.ground, p.text),
        (&mut visuals.widgets.inactive, p.raised, p.text),
        (&mut visuals.widgets.hovered, p.hovered, p.text),
        (&mut visuals.widgets.active, p.selected, p.text),
        (&mut visuals.widgets.open, p.hovered, p.text),
    ];
    for (widget, ground, text) in widgets {
        widget.bg_fill = ground;
        widget.weak_bg_fill = ground;
        widget.bg_stroke = Stroke::new(1.0, p.hairline);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(4);
        widget.expansion = 0.0;
    }
    let mut style = Style { visuals, ..Style::default() };
    style.spacing.item_spacing = Vec2::new(SPACE, 4.0);
    style.spacing.button_padding = Vec2::new(SPACE, 3.0);
    style.spacing.interact_size.y = ROW;
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.window_margin = Margin::same(12);
    style.spacing.scroll.bar_width = 8.0;
    style.animation_time = 0.1;
    style.text_styles = [
        (TextStyle::Small, text(HEAD)),
        (TextStyle::Body, text(BODY)),
        (TextStyle::Button, text(BODY)),
        (TextStyle::Monospace, mono(BODY)),
        (TextStyle::Heading, strong(TITLE)),
    ]
    .into();
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: Color32) -> f64 {
        let channel = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_in_all_themes() {
        let themes = [("dark", &DARK, 4.5), ("light", &LIGHT, 4.5), ("high", &CONTRAST, 7.0)];
        for (theme, p, least) in themes {
            for ground in [p.ground, p.raised, p.selected, p.hovered] {
                assert!(contrast(p.text, ground) >= least, "{theme} text");
            }
            for ground in [p.ground, p.raised] {
                for text in [p.quiet, p.failed, p.warned] {
                    assert!(contrast(text, ground) >= least, "{theme} {text:?} {ground:?}");
                }
            }
            for mark in p.bands {
                for ground in [p.ground, p.land, p.water] {
                    assert!(contrast(mark, ground) >= 3.0, "{theme} {mark:?} on {ground:?}");
                }
            }
            for mark in p.things.iter().chain(&p.others).chain(&[p.scaled(255)]) {
                assert!(contrast(*mark, p.ground) >= 3.0, "{theme} {mark:?}");
            }
            let steps: Vec<f64> =
                (0..=255).map(|part| contrast(p.scaled(part), p.ground)).collect();
            assert!(
                steps.windows(2).all(|pair| pair[0] <= pair[1] + 0.02),
                "{theme}: more is more"
            );
            assert!(contrast(p.accent, p.ground) >= 3.0 && contrast(p.amount, p.ground) >= 3.0);
        }
    }
}
