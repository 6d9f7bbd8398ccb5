//! `Serialize` and `DeserializeSeed`, with the feature `serde`.
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use serde_core::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::{RcHashMap, Ref};

/// Serialises as a map, in no particular order.
impl<K: Serialize, V: Serialize, S> Serialize for RcHashMap<K, V, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        // The entries are held first: user code may change the map while it serialises.
        let entries: Vec<_> = self.iter().collect();
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for r in &entries {
            if let Ok((key, value)) = r.key_value(self) {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

/// Deserialises a map into this one, and yields the `Ref`s of the new entries.
///
/// A key that is there already, or twice in the data, is an error. Then none of the new entries stays.
impl<'de, K, V, S> DeserializeSeed<'de> for &RcHashMap<K, V, S>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    S: BuildHasher,
{
    type Value = Vec<Ref<K, V, S>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(Entries(self))
    }
}

struct Entries<'a, K, V, S>(&'a RcHashMap<K, V, S>);

impl<'de, K, V, S> Visitor<'de> for Entries<'_, K, V, S>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    S: BuildHasher,
{
    type Value = Vec<Ref<K, V, S>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with keys that are new")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut refs = Vec::new();
        while let Some((key, value)) = access.next_entry()? {
            match self.0.insert(key, value) {
                Ok(r) => refs.push(r),
                Err(_) => return Err(A::Error::custom("a key is in the map already")),
            }
        }
        Ok(refs)
    }
}
