//! The chart: money as bars (refunds below the line), visitors as a line above them, as SVG without any style.
//! Geometry only; colours are the style sheet's, words stand beside it in HTML so that they never stretch.

use domain::report::Point;

use super::show;

/// The drawing's own units; it stretches to the place it gets.
pub(super) const WIDTH: i64 = 1000;
pub(super) const HEIGHT: i64 = 240;

/// One bucket.
pub(super) struct Bar {
    pub x: i64,
    pub width: i64,
    pub new_y: i64,
    pub new_height: i64,
    pub renewal_y: i64,
    pub renewal_height: i64,
    pub refunded_height: i64,
    pub label: String,
    pub net: String,
    pub orders: String,
    pub visitors: String,
}

/// The whole drawing.
pub(super) struct Chart {
    pub bars: Vec<Bar>,
    /// Points of the visitors' line.
    pub line: String,
    /// Where zero is.
    pub zero_y: i64,
    pub money_max: String,
    pub visitors_max: String,
    pub first: String,
    pub last: String,
}

impl Chart {
    /// Draws points of one currency; none when there is nothing to draw.
    pub(super) fn draw(points: &[&Point]) -> Option<Chart> {
        let first = points.first()?;
        let up = |point: &Point| point.sums.new_minor.max(0) + point.sums.renewal_minor.max(0);
        let most_up = points.iter().map(|point| up(point)).max()?;
        let most_down = points.iter().map(|point| -point.sums.refunded_minor.min(0)).max()?;
        let most_visitors = points.iter().map(|point| point.visitors).max()?;
        if most_up == 0 && most_down == 0 && most_visitors == 0 {
            return None;
        }
        let span = i128::from((most_up + most_down).max(1));
        let scale = |minor: i64| (i128::from(minor) * i128::from(HEIGHT - 8) / span) as i64;
        let zero_y = 4 + scale(most_up).max(if most_up == 0 { HEIGHT - 8 - scale(most_down) } else { 0 });
        let count = i64::try_from(points.len()).ok()?;
        let left = |at: i64| WIDTH * at / count;
        let mut bars = Vec::with_capacity(points.len());
        let mut line = String::new();
        for (at, point) in points.iter().enumerate() {
            let (x, right) = (left(at as i64), left(at as i64 + 1));
            let gap = if right - x >= 6 { (right - x) / 5 } else { 0 };
            let (new_height, renewal_height) =
                (scale(point.sums.new_minor.max(0)), scale(point.sums.renewal_minor.max(0)));
            bars.push(Bar {
                x: x + gap / 2,
                width: (right - x - gap).max(1),
                new_y: zero_y - new_height,
                new_height,
                renewal_y: zero_y - new_height - renewal_height,
                renewal_height,
                refunded_height: scale(-point.sums.refunded_minor.min(0)),
                label: point.label.replace('T', " "),
                net: show::digits(point.sums.net_minor(), point.currency),
                orders: domain::report::order_count(point.sums.orders_parts),
                visitors: show::count(Some(point.visitors)),
            });
            let y = match most_visitors {
                0 => zero_y,
                most => {
                    zero_y - (i128::from(point.visitors) * i128::from(zero_y - 4) / i128::from(most)) as i64
                }
            };
            line.push_str(&format!("{},{y} ", i64::midpoint(x, right)));
        }
        Some(Chart {
            bars,
            line: line.trim_end().to_owned(),
            zero_y,
            money_max: show::digits(most_up, first.currency),
            visitors_max: show::count(Some(most_visitors)),
            first: first.label.replace('T', " "),
            last: points.last()?.label.replace('T', " "),
        })
    }
}
