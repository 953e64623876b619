//! A picture of the map as it is shown, in a PNG file.
//!
//! The window is asked for what is on the screen, of which the map is cut out: so the picture is
//! what the person saw, with marks, names and legend.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;

use egui::{ColorImage, Context, Id, Rect, RichText};

use crate::app::theme::Palette;
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::path_field::PathField;

/// Frames until what lay over the map is no longer on the screen.
const FRAMES: u8 = 2;

/// Where the picture that is asked for stands.
#[derive(Default)]
pub(in crate::app) struct PictureState {
    /// Where to, being asked.
    field: Option<PathField>,
    /// Where to, and frames to wait until the window is asked.
    wanted: Option<(PathBuf, u8)>,
    /// How it went, until it is read.
    told: Option<Told>,
}

/// How it went: where the picture is, or why it is not.
type Told = Result<String, String>;

impl PictureState {
    /// Asks where the picture goes.
    pub(in crate::app) fn ask(&mut self) {
        self.field = Some(PathField::new("map.png"));
    }

    /// Draws what is asked and told, and takes the picture; `map` is its place on the screen.
    pub(super) fn ui(&mut self, ctx: &Context, map: Rect) {
        self.field_ui(ctx);
        self.told_ui(ctx);
        if let Some((path, frames)) = self.wanted.take() {
            match frames.checked_sub(1) {
                Some(frames) => self.wanted = Some((path, frames)),
                None => take(ctx, path, map),
            }
            ctx.request_repaint();
        }
        if let Some(told) = ctx.data_mut(|data| data.remove_temp::<Option<Told>>(told_id())) {
            self.told = told;
        }
    }

    fn field_ui(&mut self, ctx: &Context) {
        let Some(field) = &mut self.field else { return };
        let mut answer = None;
        let help = "A PNG of the map as it is shown now.";
        let left = dialog(ctx, "Save picture of the map", help, |ui| {
            answer = field.ui(ui, "Path of the picture", "Save");
        });
        if let Some(Some(path)) = &answer {
            let path = match path.extension() {
                None => path.with_extension("png"),
                Some(_) => path.clone(),
            };
            self.wanted = Some((path, FRAMES));
        }
        if answer.is_some() || left {
            self.field = None;
        }
    }

    fn told_ui(&mut self, ctx: &Context) {
        let Some(told) = &self.told else { return };
        let mut read = false;
        let left = dialog(ctx, "Picture of the map", "", |ui| {
            match told {
                Ok(what) => ui.label(what),
                Err(why) => ui.label(RichText::new(why).color(Palette::of(ui).failed)),
            };
            ui.add_space(8.0);
            read = ui.button("Close").clicked();
        });
        if read || left {
            self.told = None;
        }
    }
}

fn told_id() -> Id {
    Id::unique("map picture written")
}

/// Asks the window for what is on the screen; a thread of its own writes what was cut out of it.
fn take(ctx: &Context, path: PathBuf, map: Rect) {
    let pixels_per_point = ctx.pixels_per_point();
    let told = ctx.clone();
    ctx.request_screenshot(move |image| {
        let write = move || {
            let how = match save(&path, &cut(&image, map, pixels_per_point)) {
                Ok(()) => Ok(format!("The picture is in {}", path.display())),
                Err(error) => Err(format!("Cannot write {}: {error}", path.display())),
            };
            told.data_mut(|data| data.insert_temp(told_id(), Some(how)));
            told.request_repaint();
        };
        thread::Builder::new().name("map-picture".to_owned()).spawn(write).ok();
    });
}

/// The part of a picture that lies in a place of the screen.
fn cut(image: &ColorImage, place: Rect, pixels_per_point: f32) -> ColorImage {
    let [width, height] = image.size;
    let pixel = |points: f32, most: usize| ((points * pixels_per_point).round() as usize).min(most);
    let (left, right) = (pixel(place.min.x, width), pixel(place.max.x, width));
    let (top, bottom) = (pixel(place.min.y, height), pixel(place.max.y, height));
    let rows =
        (top..bottom).filter_map(|row| image.pixels.get(row * width + left..row * width + right));
    let pixels: Vec<egui::Color32> = rows.flatten().copied().collect();
    ColorImage::new([right.saturating_sub(left), bottom.saturating_sub(top)], pixels)
}

/// Beside its place first, so that a full disk leaves no half picture.
fn save(path: &Path, image: &ColorImage) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    write(&mut BufWriter::new(&mut file), image)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn write(out: &mut dyn Write, image: &ColorImage) -> io::Result<()> {
    let [width, height] = image.size.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    // The screen lets nothing shine through.
    let bytes: Vec<u8> =
        image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use egui::Color32;

    use super::*;

    #[test]
    fn the_map_is_cut_out_wherever_it_lies() {
        let image = ColorImage::new([4, 4], (0..16_u8).map(Color32::from_gray).collect());
        let rect = |min: [f32; 2], max: [f32; 2]| Rect::from_min_max(min.into(), max.into());
        let inner = cut(&image, rect([0.5, 0.5], [1.5, 1.0]), 2.0);
        assert_eq!((inner.size, inner.pixels[0]), ([2, 1], Color32::from_gray(5)));
        let over = cut(&image, rect([1.0, 1.0], [9.0, 9.0]), 2.0);
        assert_eq!(over.size, [2, 2], "what lies beyond the window is left out");
        assert_eq!(cut(&image, rect([7.0, 7.0], [9.0, 9.0]), 2.0).size, [0, 0]);
    }

    #[test]
    fn a_picture_is_read_back_pixel_by_pixel() {
        let pixels: Vec<Color32> = (0..6_u8).map(Color32::from_gray).collect();
        let image = ColorImage::new([3, 2], pixels);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        save(&path, &image).unwrap();
        let file = io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (3, 2, png::ColorType::Rgb));
        let wanted: Vec<u8> = (0..6).flat_map(|grey| [grey; 3]).collect();
        assert_eq!(bytes, wanted);
        assert!(save(&folder.path().join("no/such/map.png"), &image).is_err());
    }
}
