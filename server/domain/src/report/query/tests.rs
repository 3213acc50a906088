use super::*;

fn defaults() -> Defaults {
    let now: jiff::Timestamp = "2026-05-31T22:30:00Z".parse().unwrap();
    Defaults {
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        now_ms: now.as_millisecond(),
        group_by: vec![Dimension::Channel],
        basis: Basis::Net,
    }
}

fn parse(text: &str) -> Result<Query, QueryError> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    Query::parse(pairs.map(|pair| pair.split_once('=').unwrap()), &defaults())
}

#[test]
fn nothing_asked_means_thirty_days_of_the_default_model_by_channel() {
    let query = parse("").unwrap();
    // Half past midnight of 1 June in Berlin.
    assert_eq!(
        (query.period.from.to_string(), query.period.to.to_string()),
        ("2026-05-03".into(), "2026-06-01".into())
    );
    assert_eq!(
        (MODELS[query.model].name(), &query.group_by[..]),
        ("last_non_direct", &[Dimension::Channel][..])
    );
    assert_eq!(
        query.sentence(),
        "Net revenue, last non-direct touch, 2026-05-03 to 2026-06-01 (Europe/Berlin), by payment date"
    );
}

#[test]
fn every_key_is_read() {
    let query = parse(
        "from=2026-01-01&to=2026-01-31&model=linear&group_by=source,campaign&provider=polar&currency=eur\
         &basis=net&date=order&compare=2025-01-01..2025-01-31&format=csv&limit=5&sort=visitors&interval=week\
         &filter[channel]=Email&filter[channel]=Paid search&filter[source][not]=google",
    )
    .unwrap();
    assert_eq!(query.period.days(), 31);
    assert_eq!(MODELS[query.model].name(), "linear");
    assert_eq!(query.group_by, [Dimension::Source, Dimension::Campaign]);
    assert_eq!(query.filters.len(), 3);
    assert_eq!(query.filters[1].values, ["Email", "Paid search"]);
    assert!(query.filters[2].negated);
    assert_eq!(query.currency.unwrap().code(), "EUR");
    assert_eq!((query.date, query.format, query.limit), (DateView::Order, Format::Csv, 5));
    assert_eq!(query.sort, Sort { by: SortBy::Visitors, ascending: true });
    assert_eq!(query.compare_period().unwrap().days(), 31);
    assert_eq!(query.interval, Some(Interval::Week));
}

#[test]
fn mistakes_name_the_field_and_the_values_there_are() {
    for (text, field, hint) in [
        ("form=2026-01-01", "form", "from, to"),
        ("from=yesterday", "from", "YYYY-MM-DD"),
        ("from=2026-02-02&to=2026-02-01", "from", "swap"),
        ("model=best", "model", "last_non_direct"),
        ("group_by=colour", "group_by", "landing_page"),
        ("filter[colour]=red", "filter[colour]", "landing_page"),
        ("filter[channel=red", "filter[channel", "filter[channel][not]"),
        ("basis=profit", "basis", "net, gross"),
        ("currency=dollars", "currency", "USD"),
        ("date=accrual", "date", "cash, order, touch"),
        ("compare=last", "compare", "previous_period"),
        ("limit=0", "limit", "10000"),
        ("format=xls", "format", "json, csv, text"),
        ("interval=minute", "interval", "hour, day"),
        ("sort=profit", "sort", "net"),
        ("period=ever", "period", "365d"),
        ("group_by=channel,source,medium,campaign,content,term", "group_by", "at most 5"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.field, field, "{text}");
        assert!(error.message.contains(hint), "{text}: {}", error.message);
    }
}

#[test]
fn money_is_asked_for_in_its_own_currency_in_the_report_currency_or_in_one_alone() {
    let asked = |text: &str| {
        let query = parse(text).unwrap();
        (query.money, query.currency.map(|currency| currency.to_string()), query.basis)
    };
    assert_eq!(asked(""), (MoneyView::Native, None, Basis::Net));
    assert_eq!(asked("currency=report&basis=gross"), (MoneyView::Report, None, Basis::Gross));
    assert_eq!(asked("currency=native&basis=net"), (MoneyView::Native, None, Basis::Net));
    assert_eq!(asked("currency=usd"), (MoneyView::Native, Some("USD".to_owned()), Basis::Net));
    let sentence = parse("currency=report&basis=gross").unwrap().sentence();
    assert!(sentence.starts_with("Gross revenue,") && sentence.ends_with("in the report currency"));
}

#[test]
fn one_given_day_bounds_the_period_sensibly() {
    let from = parse("from=2026-05-20").unwrap().period;
    assert_eq!((from.from.to_string(), from.to.to_string()), ("2026-05-20".into(), "2026-06-01".into()));
    let to = parse("to=2026-01-31").unwrap().period;
    assert_eq!((to.from.to_string(), to.to.to_string()), ("2026-01-31".into(), "2026-01-31".into()));
    let month = parse("period=last_month").unwrap().period;
    assert_eq!((month.from.to_string(), month.to.to_string()), ("2026-05-01".into(), "2026-05-31".into()));
}

#[test]
fn an_empty_filter_value_asks_for_what_has_none() {
    assert_eq!(parse("filter[campaign]=").unwrap().filters[0].values, [""]);
    assert!(parse("model=&group_by=").is_ok());
}
