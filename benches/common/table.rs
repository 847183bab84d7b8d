//! Markdown tables that are readable as they are.

/// Columns in line: the first to the left, metrics to the right.
pub struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new(heads: &[&str]) -> Self {
        Self(vec![heads.iter().map(|head| (*head).to_owned()).collect()])
    }

    pub fn add(&mut self, row: Vec<String>) {
        self.0.push(row);
    }

    pub fn text(&self) -> String {
        let width_of = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.0[0].len()).map(width_of).collect();
        let mut text = String::new();
        for (index, row) in self.0.iter().enumerate() {
            let cell = |(cell, (column, width)): (&String, (usize, &usize))| match column {
                0 => format!(" {cell:<width$} |"),
                _ => format!(" {cell:>width$} |"),
            };
            let cells: String = row.iter().zip(widths.iter().enumerate()).map(cell).collect();
            text.push_str(&format!("|{cells}\n"));
            if index == 0 {
                let rule = |(column, width): (usize, &usize)| match column {
                    0 => format!(" {} |", "-".repeat(*width)),
                    _ => format!(" {}: |", "-".repeat(width - 1)),
                };
                let rules: String = widths.iter().enumerate().map(rule).collect();
                text.push_str(&format!("|{rules}\n"));
            }
        }
        text
    }
}

/// A number with commas.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
