use super::Strings;

/// A column: a name, a type, a heading, a display format, and the values.
///
/// ```
/// use sessionpool_emulator::Column;
///
/// let elev = Column::decimal("elev", [Some(6902.0), None])
///     .heading("Elev")
///     .format("type:num;width:8;dec:1");
/// ```
#[derive(Clone, Debug)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) heading: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) values: Values,
}

/// The values, with N/A as the reserved value of each kind; text has the empty one.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Integer(Vec<i32>),
    Big(Vec<i64>),
    Decimal(Vec<f64>),
    Text(Strings),
}

/// One value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Na,
    Integer(i64),
    Decimal(f64),
    Text(&'a [u8]),
}

impl Column {
    /// Type `i`: 32 bits. `None` and [`i32::MIN`] are N/A.
    pub fn integer(name: &str, values: impl IntoIterator<Item = Option<i32>>) -> Self {
        let values = values.into_iter().map(|value| value.unwrap_or(i32::MIN)).collect();
        Self::new(name, "type:num;width:11", Values::Integer(values))
    }

    /// Type `j`: 64 bits. `None` and [`i64::MIN`] are N/A.
    pub fn big(name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        let values = values.into_iter().map(|value| value.unwrap_or(i64::MIN)).collect();
        Self::new(name, "type:num;width:20", Values::Big(values))
    }

    /// Type `f`. `None` and NaN are N/A.
    pub fn decimal(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        Self::new(name, "type:num;width:12;dec:2", Values::Decimal(values))
    }

    /// Type `a`: plain bytes. The empty text is N/A.
    pub fn text<T: AsRef<[u8]>>(name: &str, values: impl IntoIterator<Item = T>) -> Self {
        Self::new(name, "type:char;width:20", Values::Text(values.into_iter().collect()))
    }

    /// The heading, which may have several lines. Default: the name.
    #[must_use]
    pub fn heading(mut self, heading: &str) -> Self {
        heading.clone_into(&mut self.heading);
        self
    }

    /// The display format, such as `type:date4y;width:10`. Default: numbers with
    /// thousands' commas, decimals with two places, text as it is.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.format);
        self
    }

    /// What it holds, for people; `tabinfo` shows it. Default: nothing.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type's letter on the wire: `i`, `j`, `f` or `a`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.values {
            Values::Integer(_) => "i",
            Values::Big(_) => "j",
            Values::Decimal(_) => "f",
            Values::Text(_) => "a",
        }
    }

    pub(crate) fn new(name: &str, format: &str, values: Values) -> Self {
        let (name, format) = (name.to_owned(), format.to_owned());
        Self { heading: name.clone(), name, format, description: String::new(), values }
    }

    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }

    /// The same with these of its values.
    pub(crate) fn picked(&self, rows: impl Iterator<Item = usize>) -> Self {
        Self { values: self.values.picked(rows), ..self.like() }
    }

    /// The same with more values; nothing if those are of another kind.
    pub(crate) fn with(&self, more: &Self) -> Option<Self> {
        let mut values = self.values.clone();
        values.append(&more.values)?;
        Some(Self { values, ..self.like() })
    }

    /// The same without values.
    fn like(&self) -> Self {
        Self {
            name: self.name.clone(),
            heading: self.heading.clone(),
            format: self.format.clone(),
            description: self.description.clone(),
            values: Values::Integer(Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match &self.values {
            Values::Integer(values) => match values[row] {
                i32::MIN => Cell::Na,
                value => Cell::Integer(i64::from(value)),
            },
            Values::Big(values) => match values[row] {
                i64::MIN => Cell::Na,
                value => Cell::Integer(value),
            },
            Values::Decimal(values) => {
                let value = values[row];
                if value.is_nan() { Cell::Na } else { Cell::Decimal(value) }
            }
            Values::Text(values) => match values.get(row) {
                [] => Cell::Na,
                text => Cell::Text(text),
            },
        }
    }
}

impl Values {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Integer(values) => values.len(),
            Self::Big(values) => values.len(),
            Self::Decimal(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    fn picked(&self, rows: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Integer(values) => Self::Integer(rows.map(|row| values[row]).collect()),
            Self::Big(values) => Self::Big(rows.map(|row| values[row]).collect()),
            Self::Decimal(values) => Self::Decimal(rows.map(|row| values[row]).collect()),
            Self::Text(values) => Self::Text(rows.map(|row| values.get(row)).collect()),
        }
    }

    fn append(&mut self, more: &Self) -> Option<()> {
        match (self, more) {
            (Self::Integer(values), Self::Integer(more)) => values.extend(more),
            (Self::Big(values), Self::Big(more)) => values.extend(more),
            (Self::Decimal(values), Self::Decimal(more)) => values.extend(more),
            (Self::Text(values), Self::Text(more)) => {
                more.iter().for_each(|text| values.push(text));
            }
            _ => return None,
        }
        Some(())
    }
}
