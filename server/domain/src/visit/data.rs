//! Reading the data files that are compiled in. They are our own, checked by the tests, and so plain that no CSV
//! reader is wanted: no quotes, and a comma only in the last column.

/// The rows of a comma-separated file after its header, each cut into `N` columns.
///
/// # Panics
/// When a row has fewer columns, which a test over every file rules out.
pub fn rows<const N: usize>(file: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    file.lines().skip(1).filter(|line| !line.is_empty()).map(|line| {
        let mut columns = line.splitn(N, ',');
        std::array::from_fn(|_| columns.next().expect("a row of a data file has all its columns"))
    })
}
