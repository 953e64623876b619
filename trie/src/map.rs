//! A table of prefixes that can be changed: a path-compressed binary trie.
//!
//! A node is a prefix; below it hang the longest ones it covers, one on each side of the next bit,
//! with all bits between skipped (Morrison's PATRICIA, 1968). Nodes lie in one vector and name each
//! other by number. Inserting, removing and every question cost at most one step for each bit of
//! the longest prefix on the way.

use std::fmt;

use crate::addr::{Address, Prefix};
use crate::runs::{NONE, Runs};

/// No node.
const NIL: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node<A> {
    prefix: Prefix<A>,
    /// [`NONE`]: the node only branches.
    value: u32,
    below: [u32; 2],
}

/// Prefixes with values, which may be inserted and removed.
///
/// ```
/// use infralock_trie::{Prefix, PrefixMap};
/// let prefix = |addr, len| Prefix::<u32>::new(addr, len).unwrap();
/// let mut map = PrefixMap::new();
/// map.insert(prefix(0xc000_0000, 8), 1);
/// map.insert(prefix(0xc000_0200, 24), 2);
/// assert_eq!(map.longest_match(0xc000_0207), Some((prefix(0xc000_0200, 24), 2)));
/// let chain: Vec<u32> = map.covering(Prefix::host(0xc000_0207)).map(|(_, value)| value).collect();
/// assert_eq!(chain, [1, 2], "from the shortest to the longest");
/// assert_eq!(map.remove(prefix(0xc000_0200, 24)), Some(2));
/// assert_eq!(map.longest_match(0xc000_0207), Some((prefix(0xc000_0000, 8), 1)));
/// ```
#[derive(Clone)]
pub struct PrefixMap<A> {
    nodes: Vec<Node<A>>,
    free: Vec<u32>,
    root: u32,
    len: usize,
}

impl<A> Default for PrefixMap<A> {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: Vec::new(), root: NIL, len: 0 }
    }
}

impl<A: Address> PrefixMap<A> {
    /// No prefixes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn node(&self, index: u32) -> Option<&Node<A>> {
        self.nodes.get(index as usize)
    }

    fn add(&mut self, prefix: Prefix<A>, value: u32, below: [u32; 2]) -> u32 {
        let node = Node { prefix, value, below };
        match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                index
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    /// Sets the value of a prefix and returns the one it had. A value of [`NONE`] removes it.
    pub fn insert(&mut self, prefix: Prefix<A>, value: u32) -> Option<u32> {
        if value == NONE {
            return self.remove(prefix);
        }
        let (mut at, mut parent) = (self.root, None);
        let fresh = loop {
            let Some(&node) = self.node(at) else {
                break self.add(prefix, value, [NIL; 2]);
            };
            if node.prefix == prefix {
                let had = std::mem::replace(&mut self.nodes[at as usize].value, value);
                self.len += usize::from(had == NONE);
                return (had != NONE).then_some(had);
            }
            if node.prefix.covers(prefix) {
                let side = side(node.prefix, prefix);
                (parent, at) = (Some((at, side)), node.below[side]);
                continue;
            }
            let common = node.prefix.common(prefix);
            let mut below = [NIL; 2];
            below[side(common, node.prefix)] = at;
            if common == prefix {
                break self.add(prefix, value, below);
            }
            below[side(common, prefix)] = self.add(prefix, value, [NIL; 2]);
            break self.add(common, NONE, below);
        };
        self.hang(parent, fresh);
        self.len += 1;
        None
    }

    fn hang(&mut self, parent: Option<(u32, usize)>, node: u32) {
        match parent {
            Some((parent, side)) => self.nodes[parent as usize].below[side] = node,
            None => self.root = node,
        }
    }

    /// Removes a prefix and returns the value it had.
    pub fn remove(&mut self, prefix: Prefix<A>) -> Option<u32> {
        let (mut at, mut parent, mut above) = (self.root, None, None);
        loop {
            let node = self.node(at)?;
            if node.prefix == prefix {
                break;
            }
            if !node.prefix.covers(prefix) {
                return None;
            }
            let side = side(node.prefix, prefix);
            (above, parent, at) = (parent, Some((at, side)), node.below[side]);
        }
        let value = std::mem::replace(&mut self.nodes[at as usize].value, NONE);
        if value == NONE {
            return None;
        }
        self.len -= 1;
        let hangs = self.shrink(at);
        self.hang(parent, hangs);
        // A parent that only branched may have one side left.
        if let Some((parent, _)) = parent {
            let hangs = self.shrink(parent);
            self.hang(above, hangs);
        }
        Some(value)
    }

    /// What hangs where a node hung: itself, or what is below it if it says nothing and does not
    /// branch.
    fn shrink(&mut self, index: u32) -> u32 {
        let node = self.nodes[index as usize];
        let hangs = match node.below {
            _ if node.value != NONE => return index,
            [NIL, other] | [other, NIL] => other,
            _ => return index,
        };
        self.free.push(index);
        hangs
    }

    /// The value of exactly this prefix.
    pub fn get(&self, prefix: Prefix<A>) -> Option<u32> {
        let last = self.covering(prefix).last();
        last.filter(|&(found, _)| found == prefix).map(|(_, value)| value)
    }

    /// The longest prefix around an address, and its value.
    pub fn longest_match(&self, addr: A) -> Option<(Prefix<A>, u32)> {
        self.covering(Prefix::host(addr)).last()
    }

    /// All prefixes that cover `prefix`, itself included, from the shortest to the longest.
    pub fn covering(&self, prefix: Prefix<A>) -> impl Iterator<Item = (Prefix<A>, u32)> {
        let mut at = self.root;
        std::iter::from_fn(move || {
            loop {
                let node = self.node(at).filter(|node| node.prefix.covers(prefix))?;
                at = match node.prefix == prefix {
                    true => NIL,
                    false => node.below[side(node.prefix, prefix)],
                };
                if node.value != NONE {
                    return Some((node.prefix, node.value));
                }
            }
        })
    }

    /// All prefixes that `prefix` covers, itself included, in order.
    pub fn covered(&self, prefix: Prefix<A>) -> Iter<'_, A> {
        let mut at = self.root;
        while let Some(node) = self.node(at)
            && !prefix.covers(node.prefix)
        {
            at = match node.prefix.covers(prefix) {
                true => node.below[side(node.prefix, prefix)],
                false => NIL,
            };
        }
        Iter { map: self, stack: vec![at] }
    }

    /// All prefixes in order: by address, a prefix before those it covers.
    pub fn iter(&self) -> Iter<'_, A> {
        Iter { map: self, stack: vec![self.root] }
    }

    /// The prefixes before and after this one in the order of [`PrefixMap::iter`], whether it is
    /// there or not.
    pub fn neighbours(&self, prefix: Prefix<A>) -> [Option<(Prefix<A>, u32)>; 2] {
        let after = self.from(prefix).find(|&(found, _)| found > prefix);
        [self.before(prefix), after]
    }

    /// All prefixes at or after this one, in order, and at most the chain around it before them.
    fn from(&self, prefix: Prefix<A>) -> Iter<'_, A> {
        let (mut at, mut stack) = (self.root, Vec::new());
        while let Some(node) = self.node(at) {
            if node.prefix >= prefix || !node.prefix.covers(prefix) {
                if node.prefix.first() >= prefix.first() {
                    stack.push(at);
                }
                break;
            }
            let side = side(node.prefix, prefix);
            if side == 0 {
                stack.push(node.below[1]);
            }
            at = node.below[side];
        }
        Iter { map: self, stack }
    }

    fn before(&self, prefix: Prefix<A>) -> Option<(Prefix<A>, u32)> {
        let (mut at, mut best, mut behind) = (self.root, None, NIL);
        while let Some(node) = self.node(at) {
            if node.prefix >= prefix {
                break;
            }
            if !node.prefix.covers(prefix) {
                // All of it lies before.
                behind = at;
                break;
            }
            if node.value != NONE {
                (best, behind) = (Some((node.prefix, node.value)), NIL);
            }
            let side = side(node.prefix, prefix);
            if side == 1 {
                behind = node.below[0];
            }
            at = node.below[side];
        }
        self.last_of(behind).or(best)
    }

    /// The last prefix at or below a node.
    fn last_of(&self, mut at: u32) -> Option<(Prefix<A>, u32)> {
        let mut last = None;
        while let Some(node) = self.node(at) {
            if node.value != NONE {
                last = Some((node.prefix, node.value));
            }
            let [low, high] = node.below;
            at = if high == NIL { low } else { high };
        }
        last
    }

    /// The same answers from fewer prefixes: two halves of equal value become one whole, from the
    /// longest to the shortest, and then one that says what the next shorter around it says goes.
    ///
    /// No prefix is made that is not the whole of two halves, so this is not always the fewest there
    /// could be (Draves and others, INFOCOM 1999, find those), but what is left was said by someone.
    ///
    /// ```
    /// # use infralock_trie::{Prefix, PrefixMap};
    /// # let prefix = |addr, len| Prefix::<u32>::new(addr, len).unwrap();
    /// let mut map = PrefixMap::new();
    /// for addr in [0xc000_0200, 0xc000_0280] {
    ///     map.insert(prefix(addr, 25), 5);
    /// }
    /// map.insert(prefix(0xc000_0210, 28), 5);
    /// let smaller = map.aggregate();
    /// assert_eq!(smaller.iter().collect::<Vec<_>>(), [(prefix(0xc000_0200, 24), 5)]);
    /// ```
    #[must_use]
    pub fn aggregate(&self) -> Self {
        let mut joined = self.clone();
        // Backwards in order, what is below a node is done before it.
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![self.root];
        while let Some(at) = stack.pop() {
            if let Some(node) = self.node(at) {
                stack.extend(node.below);
                order.push(at);
            }
        }
        for &at in order.iter().rev() {
            joined.join_halves(at);
        }
        let mut around: Vec<(Prefix<A>, u32)> = Vec::new();
        let says_more = move |&(prefix, value): &(Prefix<A>, u32)| {
            while around.last().is_some_and(|(open, _)| !open.covers(prefix)) {
                around.pop();
            }
            let known = around.last().map(|&(_, value)| value);
            around.push((prefix, value));
            known != Some(value)
        };
        joined.iter().filter(says_more).collect()
    }

    /// Moves the value of both halves of a node up to it, if they have the same.
    fn join_halves(&mut self, at: u32) {
        let Some(&Node { prefix, below: [low, high], .. }) = self.node(at) else { return };
        let half = |at: u32| {
            let node = self.node(at).filter(|node| node.prefix.len() == prefix.len() + 1)?;
            (node.value != NONE).then_some(node.value)
        };
        if let Some(value) = half(low)
            && half(high) == Some(value)
        {
            // They hold every address of the whole, so what it said itself was never heard.
            self.nodes[at as usize].value = value;
            for half in [low, high] {
                self.nodes[half as usize].value = NONE;
            }
        }
    }
}

/// On which side of a covering prefix another hangs.
fn side<A: Address>(above: Prefix<A>, below: Prefix<A>) -> usize {
    usize::from(below.first().bit(above.len()))
}

/// Prefixes with values, in order.
#[derive(Clone)]
pub struct Iter<'a, A> {
    map: &'a PrefixMap<A>,
    stack: Vec<u32>,
}

impl<A: Address> Iterator for Iter<'_, A> {
    type Item = (Prefix<A>, u32);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(node) = self.map.node(self.stack.pop()?) else { continue };
            let [low, high] = node.below;
            self.stack.extend([high, low]);
            if node.value != NONE {
                return Some((node.prefix, node.value));
            }
        }
    }
}

impl<'a, A: Address> IntoIterator for &'a PrefixMap<A> {
    type Item = (Prefix<A>, u32);
    type IntoIter = Iter<'a, A>;

    fn into_iter(self) -> Iter<'a, A> {
        self.iter()
    }
}

impl<A: Address> FromIterator<(Prefix<A>, u32)> for PrefixMap<A> {
    fn from_iter<I: IntoIterator<Item = (Prefix<A>, u32)>>(prefixes: I) -> Self {
        let mut map = Self::default();
        for (prefix, value) in prefixes {
            map.insert(prefix, value);
        }
        map
    }
}

impl<A: Address> From<&PrefixMap<A>> for Runs<A> {
    fn from(map: &PrefixMap<A>) -> Self {
        // No value of a map is `NONE`.
        Self::from_prefixes(map.iter().collect()).unwrap_or_default()
    }
}

impl<A: Address> fmt::Debug for PrefixMap<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
