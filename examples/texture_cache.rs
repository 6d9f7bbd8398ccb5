//! A texture cache that unloads a texture when nobody draws it any more.
//!
//! ```sh
//! cargo run --example texture_cache
//! ```
//!
//! Each level of a game holds the [`Ref`]s of its textures. Two levels that use the same one share it,
//! and it leaves video memory with the last level that uses it. The cache itself keeps nothing alive,
//! so there is no "unload what is unused" pass to write, and none to forget.

use std::cell::Cell;
use std::fmt;

use rcmap::{RcHashMap, Ref};

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
    Ok(())
}
