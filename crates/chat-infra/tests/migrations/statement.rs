//! SQL, cut into statements.

/// One statement, without comments, its words apart by single spaces and in small letters. What stands in quotes is `''`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) text: String,
    /// What stood in quotes, without them.
    pub(crate) literals: Vec<String>,
    /// The comment lines right before it.
    pub(crate) comments: Vec<String>,
}

impl Statement {
    /// What stands behind these words, if it begins so.
    pub(crate) fn after<'s>(&'s self, beginning: &str) -> Option<&'s str> {
        self.text.strip_prefix(beginning)?.strip_prefix(' ')
    }
}

/// All statements of a script.
pub(crate) fn statements(script: &str) -> Vec<Statement> {
    let (mut all, mut text, mut literals, mut comments) = (Vec::new(), String::new(), Vec::new(), Vec::new());
    let mut rest = script;
    while let Some(char) = rest.chars().next() {
        let taken = if rest.starts_with("--") {
            let line = rest.lines().next().unwrap_or_default();
            comments.push(line.trim_start_matches('-').trim().to_owned());
            line.len()
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some((literal, length)) = quoted(rest) {
            text.push_str("''");
            literals.push(literal.to_owned());
            length
        } else if char == ';' {
            push(&mut all, &mut text, &mut literals, &mut comments);
            1
        } else {
            text.push(char);
            char.len_utf8()
        };
        rest = &rest[taken..];
    }
    push(&mut all, &mut text, &mut literals, &mut comments);
    all
}

fn push(all: &mut Vec<Statement>, text: &mut String, literals: &mut Vec<String>, comments: &mut Vec<String>) {
    let words = std::mem::take(text).replace('(', " ( ").replace(')', " ) ").replace(',', " , ");
    let text = words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (literals, comments) = (std::mem::take(literals), std::mem::take(comments));
    if !text.is_empty() {
        all.push(Statement { text, literals, comments });
    }
}

/// The text in quotes with which this begins, and how long it is with them.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let quote = match text.chars().next()? {
        '\'' => "'".to_owned(),
        '$' => {
            let end = text[1..].find('$')? + 2;
            let tag = &text[..end];
            let is_tag = tag[1..end - 1].chars().all(|char| char.is_alphanumeric() || char == '_');
            (is_tag && !tag[1..].starts_with(char::is_numeric)).then(|| tag.to_owned())?
        }
        _ => return None,
    };
    let inside = &text[quote.len()..];
    let end = inside.find(&quote)?;
    Some((&inside[..end], end + 2 * quote.len()))
}

#[test]
fn statements_end_where_sql_ends_them() {
    let script = "
        -- First, with a ; in it.
        CREATE  TABLE a (b text
            DEFAULT 'it''s; not over'); /* nor ; here */
        DO $body$ BEGIN ; END $body$;
        -- Last.
        DROP TABLE a";
    let found = statements(script);
    let texts: Vec<_> = found.iter().map(|statement| statement.text.as_str()).collect();
    assert_eq!(texts, ["create table a ( b text default '''' )", "do ''", "drop table a"]);
    assert_eq!(found[0].literals, ["it", "s; not over"]);
    assert_eq!(found[0].comments, ["First, with a ; in it."]);
    assert_eq!(found[2].comments, ["Last."]);
    assert_eq!(found[2].after("drop table"), Some("a"));
    assert_eq!(found[2].after("drop"), Some("table a"));
    assert_eq!(found[2].after("dro"), None);
}
