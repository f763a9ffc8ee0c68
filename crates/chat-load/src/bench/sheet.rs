//! The table.

use std::fmt;

use super::offers::Offers;
use super::series::Series;

/// How a figure must stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bar {
    /// The bar, and the aim beyond it.
    AtLeast(f64, f64),
    /// The bar, and the aim below it.
    AtMost(f64, f64),
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Good answers, or commits, a second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// MiB.
    Mebibytes,
}

/// One case, measured in one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    case: &'static str,
    unit: Unit,
    figure: f64,
    against: Option<(&'static str, f64)>,
    bar: Option<Bar>,
}

impl Measured {
    pub(super) const fn new(case: &'static str, unit: Unit, figure: f64) -> Self {
        Self { case, unit, figure, against: None, bar: None }
    }

    /// The yardstick of the same round; the bar is then for the ratio.
    pub(super) const fn against(self, yardstick: &'static str, figure: f64) -> Self {
        Self { against: Some((yardstick, figure)), ..self }
    }

    pub(super) const fn bar(self, bar: Bar) -> Self {
        Self { bar: Some(bar), ..self }
    }
}

/// All rounds, in the order in which their cases came first.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
    /// The loads that were more than can be served, told in a table of their own.
    pub(super) offers: Offers,
}

#[derive(Debug)]
struct Row {
    store: &'static str,
    /// Names, unit and bar, which are the same in every round.
    kind: Measured,
    figures: Series,
    yardsticks: Series,
}

impl Row {
    fn new(store: &'static str, kind: Measured) -> Self {
        Self { store, kind, figures: Series::default(), yardsticks: Series::default() }
    }
}

impl Sheet {
    /// Adds a round's figure to the row of its store and case.
    pub(super) fn note(&mut self, store: &'static str, measured: Measured) {
        let known = self.rows.iter().position(|row| row.store == store && row.kind.case == measured.case);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row::new(store, measured));
            self.rows.len() - 1
        });
        if let Some(row) = self.rows.get_mut(index) {
            row.figures.push(measured.figure);
            row.yardsticks.extend(measured.against.map(|(_, figure)| figure));
        }
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Store | Case | Median | Spread | Against | Median | Spread | Ratio | Spread | Bar | Aim | |")?;
        writeln!(f, "|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|---|")?;
        self.rows.iter().try_for_each(|row| row.fmt(f))?;
        if self.offers.is_empty() { Ok(()) } else { write!(f, "\n{}", self.offers) }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.kind.unit;
        let ratios = self.figures.over(&self.yardsticks);
        let ratio = ratios.median();
        let judged = if self.kind.against.is_some() { ratio } else { self.figures.median() };
        let (bar, aim, verdict) = self.kind.bar.map_or_else(Default::default, |bar| bar.told(judged));
        let cells = [
            self.store.to_owned(),
            self.kind.case.to_owned(),
            unit.told(self.figures.median()),
            unit.range(&self.figures),
            self.kind.against.map(|(name, _)| name.to_owned()).unwrap_or_default(),
            unit.told(self.yardsticks.median()),
            unit.range(&self.yardsticks),
            ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            ratios.spread().map(|(lowest, highest)| format!("{lowest:.2} – {highest:.2}")).unwrap_or_default(),
            bar,
            aim,
            verdict.to_owned(),
        ];
        writeln!(f, "| {} |", cells.join(" | "))
    }
}

impl Bar {
    /// Bar, aim, and how the figure stands to them.
    fn told(self, figure: Option<f64>) -> (String, String, &'static str) {
        let (sign, bar, aim) = match self {
            Self::AtLeast(bar, aim) => ('≥', bar, aim),
            Self::AtMost(bar, aim) => ('≤', bar, aim),
        };
        let reached = |wanted: f64| match self {
            Self::AtLeast(..) => figure.is_some_and(|figure| figure >= wanted),
            Self::AtMost(..) => figure.is_some_and(|figure| figure <= wanted),
        };
        let verdict = match (reached(bar), reached(aim)) {
            (_, true) => "aim",
            (true, false) => "bar",
            (false, false) => "missed",
        };
        (format!("{sign} {bar}"), format!("{sign} {aim}"), verdict)
    }
}

impl Unit {
    fn told(self, figure: Option<f64>) -> String {
        figure.map(|figure| format!("{} {}", self.number(figure), self.sign())).unwrap_or_default()
    }

    fn range(self, series: &Series) -> String {
        let told = |(lowest, highest)| format!("{} – {}", self.number(lowest), self.number(highest));
        series.spread().map(told).unwrap_or_default()
    }

    fn number(self, figure: f64) -> String {
        match self {
            Self::PerSecond => format!("{figure:.0}"),
            Self::Milliseconds => format!("{figure:.2}"),
            Self::Mebibytes => format!("{figure:.1}"),
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_line(sheet: &Sheet) -> String {
        sheet.to_string().lines().last().unwrap().to_owned()
    }

    #[test]
    fn rounds_of_one_case_make_one_row() {
        let mut sheet = Sheet::default();
        for (figure, yardstick) in [(300.0, 100.0), (360.0, 90.0), (330.0, 110.0)] {
            let measured = Measured::new("create", Unit::PerSecond, figure).against("pgbench", yardstick);
            sheet.note("PostgreSQL", measured.bar(Bar::AtLeast(1.5, 3.5)));
        }
        let row = "| PostgreSQL | create | 330 /s | 300 – 360 | pgbench | 100 /s | 90 – 110 | 3.00 | 3.00 – 4.00 \
                   | ≥ 1.5 | ≥ 3.5 | bar |";
        assert_eq!(last_line(&sheet), row);
        assert_eq!(sheet.to_string().lines().count(), 3);
    }

    #[test]
    fn stores_and_cases_have_rows_of_their_own() {
        let mut sheet = Sheet::default();
        for (store, case) in [("SQLite", "a"), ("SQLite", "b"), ("PostgreSQL", "a"), ("SQLite", "a")] {
            sheet.note(store, Measured::new(case, Unit::Milliseconds, 1.0));
        }
        assert_eq!(sheet.rows.len(), 3);
    }

    #[test]
    fn a_figure_without_a_yardstick_is_held_against_the_bar_itself() {
        for (figure, verdict) in [(19.0, "aim"), (20.5, "bar"), (41.0, "missed")] {
            let mut sheet = Sheet::default();
            sheet.note("SQLite", Measured::new("rest", Unit::Mebibytes, figure).bar(Bar::AtMost(40.0, 20.0)));
            assert!(last_line(&sheet).ends_with(&format!("|  |  |  |  |  | ≤ 40 | ≤ 20 | {verdict} |")), "{sheet}");
        }
    }

    #[test]
    fn without_a_bar_there_is_no_verdict() {
        let mut sheet = Sheet::default();
        sheet.note("PostgreSQL", Measured::new("x", Unit::PerSecond, 5.0));
        assert_eq!(last_line(&sheet), "| PostgreSQL | x | 5 /s | 5 – 5 |  |  |  |  |  |  |  |  |");
    }
}
