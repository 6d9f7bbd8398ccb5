//! A texture cache that unloads a texture when nobody draws it any more.
//!
//! ```sh
//! cargo run --example texture_cache
//! ```
//!
//! Each level of a game holds the [`Ref`]s of its textures. Two levels that use the same one share it,
//! and it leaves video memory with the last level that uses it. The cache itself keeps nothing alive,
//! so there is no "unload what is unused" pass to write, and none to forget.
//!
//! A [`Screen`] keeps what it has drawn for some frames more, so that what comes back soon is not loaded again.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;

use rcmap::{Keeper, RcHashMap, Ref};

/// Stands for the graphics card.
#[derive(Default)]
pub(crate) struct Gpu {
    bytes: Cell<usize>,
    uploads: Cell<usize>,
}

impl Gpu {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(crate) fn uploads(&self) -> usize {
        self.uploads.get()
    }
}

/// Occupies video memory until it is dropped.
pub(crate) struct Texture<'gpu> {
    gpu: &'gpu Gpu,
    width: usize,
    height: usize,
}

impl<'gpu> Texture<'gpu> {
    /// Stands for decoding an image: the size comes from a name such as `tree_64x128.png`.
    pub(crate) fn load(gpu: &'gpu Gpu, name: &str) -> Result<Self, LoadError> {
        let size =
            name.strip_suffix(".png").and_then(|stem| stem.rsplit_once('_')?.1.split_once('x'));
        let parsed =
            size.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let (width, height) = parsed.ok_or_else(|| LoadError { name: name.into() })?;
        let texture = Self { gpu, width, height };
        gpu.bytes.set(gpu.bytes.get() + texture.bytes());
        gpu.uploads.set(gpu.uploads.get() + 1);
        Ok(texture)
    }

    /// Four bytes a pixel.
    pub(crate) fn bytes(&self) -> usize {
        4 * self.width * self.height
    }
}

impl Drop for Texture<'_> {
    fn drop(&mut self) {
        self.gpu.bytes.set(self.gpu.bytes.get() - self.bytes());
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LoadError {
    pub(crate) name: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not an image", self.name)
    }
}

impl std::error::Error for LoadError {}

pub(crate) type TextureRef<'gpu> = Ref<Box<str>, Texture<'gpu>>;

pub(crate) struct TextureCache<'gpu> {
    gpu: &'gpu Gpu,
    textures: RcHashMap<Box<str>, Texture<'gpu>>,
}

impl<'gpu> TextureCache<'gpu> {
    pub(crate) fn new(gpu: &'gpu Gpu) -> Self {
        Self { gpu, textures: RcHashMap::new() }
    }

    /// The texture of this name, loaded if it is not there yet. If that fails, nothing is cached.
    pub(crate) fn get(&self, name: &str) -> Result<TextureRef<'gpu>, LoadError> {
        self.textures.find_or_try_insert_with(name.into(), |name| Texture::load(self.gpu, name))
    }

    /// All textures of a level, or the first error: then those that were new are unloaded again.
    pub(crate) fn load_level(&self, names: &[&str]) -> Result<Vec<TextureRef<'gpu>>, LoadError> {
        names.iter().map(|name| self.get(name)).collect()
    }

    /// Loads all textures anew, in place: whoever holds a `Ref` draws the new one. Keeps what cannot
    /// be loaded.
    pub(crate) fn reload(&mut self) {
        for mut texture in &mut self.textures {
            match Texture::load(self.gpu, texture.key()) {
                Ok(fresh) => *texture = fresh,
                Err(error) => eprintln!("kept the old texture: {error}"),
            }
        }
    }

    /// What drawing reads, once a frame for each sprite: no hash, no count, one comparison.
    pub(crate) fn texture<'a>(&'a self, texture: &'a TextureRef<'gpu>) -> &'a Texture<'gpu> {
        texture.value(&self.textures).expect("the texture should come from this cache")
    }

    pub(crate) fn len(&self) -> usize {
        self.textures.len()
    }
}

/// What is drawn now, and what has left the screen in the last frames.
pub(crate) struct Screen<'gpu> {
    drawn: Vec<TextureRef<'gpu>>,
    left: Keeper<TextureRef<'gpu>>,
    /// How many textures have left in each of the last frames.
    counts: VecDeque<usize>,
}

impl<'gpu> Screen<'gpu> {
    /// Keeps textures for so many frames after they were drawn.
    pub(crate) fn new(frames: usize) -> Self {
        Self { drawn: Vec::new(), left: Keeper::new(0), counts: vec![0; frames].into() }
    }

    /// Draws a frame.
    pub(crate) fn draw(
        &mut self,
        cache: &TextureCache<'gpu>,
        names: &[&str],
    ) -> Result<(), LoadError> {
        let before = std::mem::replace(&mut self.drawn, cache.load_level(names)?);
        let leaving: Vec<_> = before.iter().filter(|&it| !self.drawn.contains(it)).collect();
        leaving.iter().for_each(|texture| self.left.keep(texture));
        self.counts.push_back(leaving.len());
        self.counts.pop_front();
        drop(before);
        // The last to leave are the newest, and those that came back are in use and do not count.
        self.left.set_limit(self.counts.iter().sum());
        self.left.trim();
        Ok(())
    }
}

fn main() -> Result<(), LoadError> {
    let gpu = Gpu::default();
    let mut cache = TextureCache::new(&gpu);
    let show = |what: &str, cache: &TextureCache<'_>| {
        let (bytes, uploads) = (gpu.bytes(), gpu.uploads());
        println!("{what:<28} {} textures, {bytes:>7} bytes, {uploads} uploads", cache.len());
    };

    let forest = cache.load_level(&["hero_64x64.png", "tree_64x128.png", "sky_256x128.png"])?;
    show("forest loaded", &cache);

    // Loaded before the forest is dropped, so what both use is not loaded again.
    let castle = cache.load_level(&["hero_64x64.png", "wall_128x128.png"])?;
    show("castle loaded", &cache);
    println!("  the hero is shared: {}", forest[0] == castle[0]);

    drop(forest);
    show("forest left", &cache);

    cache.reload();
    show("reloaded after a change", &cache);
    println!("  the hero has {} bytes", cache.texture(&castle[0]).bytes());

    if let Err(error) = cache.load_level(&["moat_128x32.png", "readme.txt"]) {
        println!("  {error}");
    }
    show("a level that does not load", &cache);

    drop(castle);
    show("castle left", &cache);

    let mut screen = Screen::new(2);
    for names in [["hero_64x64.png", "tree_64x128.png"], ["hero_64x64.png", "wall_128x128.png"]] {
        screen.draw(&cache, &names)?;
    }
    show("a frame without the tree", &cache);
    screen.draw(&cache, &["hero_64x64.png"])?;
    show("the wall has left, too", &cache);
    screen.draw(&cache, &["hero_64x64.png"])?;
    show("two frames after the tree", &cache);
    Ok(())
}
