//! From the keys of a record to its columns.

use std::collections::HashMap;

use crate::schema::path::{Path, Segment};

/// A place in records: the record itself, or a column.
pub type Node = u32;

/// The record itself.
pub const ROOT: Node = 0;

/// From how many keys on an object's keys are found by hash.
const FEW: usize = 12;

/// The columns of a stream, as a tree of keys.
#[derive(Debug)]
pub struct Trie {
    nodes: Vec<Place>,
}

#[derive(Debug, Default)]
struct Place {
    keys: Vec<(Box<[u8]>, Node)>,
    /// Of the same keys, once there are many.
    by_key: HashMap<Box<[u8]>, Node>,
    /// What stands in an array at this place.
    items: Option<Node>,
    /// Where it stands itself.
    outside: Node,
    step: Option<Segment>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Place::default()],
        }
    }
}

impl Trie {
    /// The column under a key of an object, if it is known. `guess` is the place at which it is looked for first; it
    /// becomes that of the key behind, for objects mostly name their keys in one order.
    #[inline]
    pub fn key(&self, node: Node, key: &[u8], guess: &mut usize) -> Option<Node> {
        let place = &self.nodes[node as usize];
        if let Some((known, child)) = place.keys.get(*guess)
            && **known == *key
        {
            *guess += 1;
            return Some(*child);
        }
        self.search(place, key, guess)
    }

    fn search(&self, place: &Place, key: &[u8], guess: &mut usize) -> Option<Node> {
        if place.keys.len() > FEW {
            let child = *place.by_key.get(key)?;
            // Where the key that was left out stood, the next one is looked for.
            let behind = place.keys.iter().skip(*guess).take(FEW);
            if let Some(skipped) = behind.map(|(_, node)| *node).position(|node| node == child) {
                *guess += skipped + 1;
            }
            return Some(child);
        }
        let at = place.keys.iter().position(|(known, _)| **known == *key)?;
        *guess = at + 1;
        Some(place.keys[at].1)
    }

    /// A new column under a key.
    pub fn add_key(&mut self, node: Node, key: &[u8], guess: &mut usize) -> Node {
        let child = self.add(
            node,
            Segment::Key(String::from_utf8_lossy(key).into_owned()),
        );
        let place = &mut self.nodes[node as usize];
        place.keys.push((key.into(), child));
        *guess = place.keys.len();
        if place.keys.len() == FEW + 1 {
            place.by_key = place.keys.iter().cloned().collect();
        } else if place.keys.len() > FEW {
            place.by_key.insert(key.into(), child);
        }
        child
    }

    /// The column of what stands in an array, if it is known.
    #[inline]
    pub fn items(&self, node: Node) -> Option<Node> {
        self.nodes[node as usize].items
    }

    /// A new column of what stands in an array.
    pub fn add_items(&mut self, node: Node) -> Node {
        let child = self.add(node, Segment::Items);
        self.nodes[node as usize].items = Some(child);
        child
    }

    fn add(&mut self, outside: Node, step: Segment) -> Node {
        self.nodes.push(Place {
            outside,
            step: Some(step),
            ..Place::default()
        });
        self.nodes.len() as Node - 1
    }

    /// The path of a column.
    pub fn path(&self, mut node: Node) -> Vec<Segment> {
        let mut steps = Vec::new();
        while let Some(step) = &self.nodes[node as usize].step {
            steps.push(step.clone());
            node = self.nodes[node as usize].outside;
        }
        steps.reverse();
        steps
    }

    /// The same as text; empty for the record itself.
    pub fn path_text(&self, node: Node) -> String {
        Path::new(self.path(node)).map_or_else(String::new, |path| path.to_string())
    }

    /// How many columns there are, the record itself among them.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_order_few_or_many() {
        for count in [3, 40] {
            let mut trie = Trie::default();
            let keys: Vec<String> = (0..count).map(|n| format!("k{n}")).collect();
            let nodes: Vec<Node> = keys
                .iter()
                .map(|key| trie.add_key(ROOT, key.as_bytes(), &mut 0))
                .collect();
            let mut guess = 0;
            for (key, node) in keys.iter().zip(&nodes) {
                assert_eq!(trie.key(ROOT, key.as_bytes(), &mut guess), Some(*node));
            }
            for (key, node) in keys
                .iter()
                .zip(&nodes)
                .rev()
                .chain(keys.iter().zip(&nodes).step_by(2))
            {
                assert_eq!(trie.key(ROOT, key.as_bytes(), &mut guess), Some(*node));
            }
            assert_eq!(trie.key(ROOT, b"none", &mut guess), None);
        }
        let mut trie = Trie::default();
        let list = trie.add_key(ROOT, b"a.b", &mut 0);
        let items = trie.add_items(list);
        let price = trie.add_key(items, b"price", &mut 0);
        assert_eq!(trie.path_text(price), "\"a.b\"[].price");
        assert_eq!(
            (trie.path_text(ROOT), trie.items(list)),
            (String::new(), Some(items))
        );
    }
}
