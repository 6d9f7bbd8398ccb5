//! `Serialize`, with the feature `serde`.
#![forbid(unsafe_code)]

use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::RcHashMap;

/// Serialises as a map, in no particular order.
impl<K: Serialize, V: Serialize, S> Serialize for RcHashMap<K, V, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        // The entries are held first: user code may change the map while it serialises.
        let entries: alloc::vec::Vec<_> = self.iter().collect();
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for r in &entries {
            if let Ok((key, value)) = r.key_value(self) {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}
