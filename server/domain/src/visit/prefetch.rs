//! Pages that a browser fetched ahead of its user: nobody has seen them, so they are no visit.

/// Whether a request's headers say so. `header` looks one up by its name in lower case.
pub fn is_prefetch<'a>(header: impl Fn(&str) -> Option<&'a str>) -> bool {
    let says = |name: &str| {
        header(name).is_some_and(|value| {
            // `Sec-Purpose: prefetch;prerender`, `Purpose: prefetch`, `X-Moz: prefetch`, `X-Purpose: preview`.
            value.split([';', ',', ' ']).any(|word| {
                ["prefetch", "prerender", "preview"].iter().any(|say| word.eq_ignore_ascii_case(say))
            })
        })
    };
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().any(says)
}
