//! One measured promise, and how it is printed.

use serde::Serialize;

/// Whether more or less is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Rates.
    More,
    /// Times and sizes.
    Less,
}

/// A row of the bench, in the shape that `--json` prints.
#[derive(Serialize)]
pub(crate) struct Row {
    /// Name of the row: the promise, and what of it.
    pub(crate) row: &'static str,
    /// What was measured.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// The promise in words.
    pub(crate) target: String,
    /// What it is compared with.
    pub(crate) baseline: &'static str,
    /// The baseline's value in the same unit, measured in the same run; null when it could not be.
    pub(crate) baseline_value: Option<f64>,
    /// value / baseline.
    pub(crate) ratio: Option<f64>,
    /// Whether the promise is kept. A ratio that could not be measured is never ok.
    pub(crate) ok: bool,
}

impl Row {
    /// A promise about the value alone.
    pub(crate) fn absolute(row: &'static str, value: f64, unit: &'static str, better: Better, bound: f64) -> Self {
        let (ok, sign) = match better {
            Better::More => (value >= bound, "≥"),
            Better::Less => (value <= bound, "≤"),
        };
        let target = format!("{sign} {bound} {unit}");
        Self {
            row,
            value,
            unit,
            target,
            baseline: "none",
            baseline_value: None,
            ratio: None,
            ok,
        }
    }

    /// A promise about the ratio to a baseline.
    pub(crate) fn ratio(
        row: &'static str,
        value: f64,
        unit: &'static str,
        least: f64,
        base: (&'static str, Option<f64>),
    ) -> Self {
        let (baseline, baseline_value) = base;
        let ratio = baseline_value.filter(|base| *base > 0.0).map(|base| value / base);
        let ok = ratio.is_some_and(|ratio| ratio >= least);
        Self {
            row,
            value,
            unit,
            target: format!("≥ {least} × {baseline}"),
            baseline,
            baseline_value,
            ratio,
            ok,
        }
    }

    /// Shows a baseline next to an absolute promise, without a bound on the ratio.
    pub(crate) fn beside(mut self, baseline: &'static str, value: f64) -> Self {
        self.baseline = baseline;
        self.baseline_value = Some(value);
        self.ratio = (value > 0.0).then(|| self.value / value);
        self
    }

    /// Prints the row as text or as one JSON object.
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let number = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), short);
        println!(
            "{:<18} {:>10} {:<6} target {:<28} {} {} ratio {} {}",
            self.row,
            short(self.value),
            self.unit,
            self.target,
            self.baseline,
            number(self.baseline_value),
            number(self.ratio),
            if self.ok { "ok" } else { "short" }
        );
        Ok(())
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
