//! A second, naive implementation to compare with: patterns as trees, matched by plain backtracking over characters in the
//! order in which the RegExp of path-to-regexp 8 tries things. Exponential; for small inputs only.

use rnode_router::PatternOptions;

/// A pattern as a tree.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Text(String),
    Param(String),
    Wildcard(String),
    Group(Vec<Tree>),
}

/// The pattern's spelling.
pub(crate) fn render(trees: &[Tree]) -> String {
    let mut out = String::new();
    for tree in trees {
        match tree {
            Tree::Text(text) => {
                for c in text.chars() {
                    if "{}()[]+?!:*\\".contains(c) {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
            Tree::Param(name) => out.push_str(&format!(":\"{name}\"")),
            Tree::Wildcard(name) => out.push_str(&format!("*\"{name}\"")),
            Tree::Group(inner) => out.push_str(&format!("{{{}}}", render(inner))),
        }
    }
    out
}

/// `(length in bytes, [(name, text)])` of the match, `Err` for a pattern that is refused for a missing text or its size.
pub(crate) type Outcome = Result<Option<(usize, Vec<(String, String)>)>, ()>;

pub(crate) fn matches(trees: &[Tree], options: PatternOptions, path: &str) -> Outcome {
    let mut sequences = Vec::new();
    flatten(trees, &mut Vec::new(), &[], &mut sequences);
    if sequences.len() > 256 {
        return Err(());
    }
    let nodes: Vec<Vec<Node>> = sequences
        .iter()
        .map(|tokens| nodes(tokens))
        .collect::<Result<_, _>>()?;
    let chars: Vec<char> = path.chars().collect();
    for nodes in nodes {
        let matcher = Backtracker {
            nodes: &nodes,
            chars: &chars,
            options,
        };
        let mut captures = Vec::new();
        if let Some(end) = matcher.run(0, 0, &mut captures) {
            let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
            return Ok(Some((
                text(0, end).len(),
                captures
                    .into_iter()
                    .map(|(name, from, to)| (name, text(from, to)))
                    .collect(),
            )));
        }
    }
    Ok(None)
}

/// All sequences of leaves, a group taken before it is left out. `behind` holds what follows the enclosing groups.
fn flatten(trees: &[Tree], taken: &mut Vec<Tree>, behind: &[&[Tree]], out: &mut Vec<Vec<Tree>>) {
    let Some((first, rest)) = trees.split_first() else {
        match behind.split_last() {
            Some((next, behind)) => flatten(next, taken, behind, out),
            None => out.push(taken.clone()),
        }
        return;
    };
    let length = taken.len();
    if let Tree::Group(inner) = first {
        let mut deeper = behind.to_vec();
        deeper.push(rest);
        flatten(inner, taken, &deeper, out);
    } else {
        taken.push(first.clone());
    }
    if matches!(first, Tree::Group(_)) {
        taken.truncate(length);
    }
    flatten(rest, taken, behind, out);
    taken.truncate(length);
}

enum Node {
    Text(Vec<char>),
    /// Name and branches, tried in order.
    Capture(String, Vec<Branch>),
}

enum Branch {
    /// One or more characters at which none of these begins.
    Until(Vec<Vec<char>>),
    Text(Vec<char>),
}

fn until(a: &str, b: &str) -> Branch {
    Branch::Until(
        [a, b]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| text.chars().collect())
            .collect(),
    )
}

fn nodes(tokens: &[Tree]) -> Result<Vec<Node>, ()> {
    let mut out = Vec::new();
    let (mut backtrack, mut wildcard_backtrack) = (String::new(), String::new());
    // 1 param, 2 wildcard, as in the original
    let (mut previous, mut segment) = (0, 0);
    for (at, token) in tokens.iter().enumerate() {
        let later = &tokens[at + 1..];
        match token {
            Tree::Text(text) => {
                out.push(Node::Text(text.chars().collect()));
                backtrack += text;
                if previous == 2 {
                    wildcard_backtrack += text;
                }
                if text.contains('/') {
                    segment = 0;
                }
                continue;
            }
            _ if previous != 0 && backtrack.is_empty() => return Err(()),
            Tree::Param(name) => {
                let wildcard_later = later
                    .iter()
                    .take_while(|t| !matches!(t, Tree::Text(text) if text.contains('/')))
                    .any(|t| matches!(t, Tree::Wildcard(_)));
                let next: String = later
                    .iter()
                    .map_while(|t| match t {
                        Tree::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                let branches = if segment & 2 != 0 {
                    vec![until("/", &backtrack)]
                } else if wildcard_later {
                    vec![until("/", &next)]
                } else if segment & 1 != 0 {
                    vec![
                        until("/", &backtrack),
                        Branch::Text(backtrack.chars().collect()),
                    ]
                } else {
                    vec![until("/", "")]
                };
                out.push(Node::Capture(name.clone(), branches));
                previous = 1;
                segment |= 1;
            }
            Tree::Wildcard(name) => {
                let branches = if segment & 2 != 0 {
                    vec![until(&backtrack, "")]
                } else if !wildcard_backtrack.is_empty() {
                    vec![until(&wildcard_backtrack, ""), until("/", "")]
                } else {
                    vec![until("", "")]
                };
                out.push(Node::Capture(name.clone(), branches));
                wildcard_backtrack.clear();
                previous = 2;
                segment |= 2;
            }
            Tree::Group(_) => unreachable!("flattened"),
        }
        backtrack.clear();
    }
    Ok(out)
}

struct Backtracker<'a> {
    nodes: &'a [Node],
    chars: &'a [char],
    options: PatternOptions,
}

impl Backtracker<'_> {
    fn run(
        &self,
        node: usize,
        at: usize,
        captures: &mut Vec<(String, usize, usize)>,
    ) -> Option<usize> {
        match self.nodes.get(node) {
            None => self.finish(at),
            Some(Node::Text(text)) => {
                if self.stands(text, at) {
                    self.run(node + 1, at + text.len(), captures)
                } else {
                    None
                }
            }
            Some(Node::Capture(name, branches)) => branches
                .iter()
                .flat_map(|branch| self.ends(branch, at))
                .find_map(|end| {
                    captures.push((name.clone(), at, end));
                    let length = captures.len();
                    let found = self.run(node + 1, end, captures);
                    if found.is_none() {
                        captures.truncate(length - 1);
                    }
                    found
                }),
        }
    }

    /// Where a branch may end, in the order in which they are tried.
    fn ends(&self, branch: &Branch, at: usize) -> Vec<usize> {
        match branch {
            Branch::Text(text) if self.stands(text, at) => vec![at + text.len()],
            Branch::Text(_) => Vec::new(),
            Branch::Until(stops) => {
                let mut end = at;
                while end < self.chars.len() && !stops.iter().any(|stop| self.stands(stop, end)) {
                    end += 1;
                }
                (at + 1..=end).rev().collect()
            }
        }
    }

    fn stands(&self, text: &[char], at: usize) -> bool {
        text.iter().enumerate().all(|(n, &expected)| {
            self.chars.get(at + n).is_some_and(|&c| {
                c == expected || (!self.options.sensitive && upper(c) == upper(expected))
            })
        })
    }

    fn finish(&self, at: usize) -> Option<usize> {
        let left = &self.chars[at..];
        if !self.options.strict && left == ['/'] {
            return Some(at + 1);
        }
        let ok = left.is_empty() || (!self.options.end && left[0] == '/');
        ok.then_some(at)
    }
}

/// Upper case of the few characters the generated inputs hold.
fn upper(c: char) -> char {
    match c {
        'é' => 'É',
        _ => c.to_ascii_uppercase(),
    }
}
