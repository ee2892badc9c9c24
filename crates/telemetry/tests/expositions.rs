//! Pages of metrics in, series out: pages of real exporters, and pages that break the rules.

use auscult_core::Timestamp;
use auscult_telemetry::metrics::exposition::{Format, Times};
use auscult_telemetry::metrics::{MetricBatch, MetricKind, WireError};
use proptest::prelude::*;

const ASKED: Times = Times { asked: Timestamp::from_seconds(1000), honor: true };

fn read(format: Format, page: &[u8]) -> Result<MetricBatch, WireError> {
    let mut batch = MetricBatch::default();
    format.read(page, ASKED, &mut batch).map(|()| batch)
}

/// `labels kind value @time`, a line each.
fn shown(batch: &MetricBatch) -> Vec<String> {
    let point = |labels, kind: MetricKind, point: &auscult_telemetry::metrics::Point| {
        let seconds = point.time.nanos() as f64 / 1e9;
        format!("{labels} {kind:?} {} @{seconds}", point.value)
    };
    batch
        .series()
        .flat_map(|series| series.points.iter().map(move |p| point(series.labels, series.kind, p)))
        .collect()
}

fn text(page: &str) -> Vec<String> {
    shown(&read(Format::Text, page.as_bytes()).unwrap())
}

fn open(page: &str) -> Vec<String> {
    shown(&read(Format::OpenMetrics, page.as_bytes()).unwrap())
}

fn refused(format: Format, page: &str) -> String {
    read(format, page.as_bytes()).unwrap_err().to_string()
}

/// Labels and kind of every series, sorted.
fn names(format: Format, page: &[u8]) -> Vec<String> {
    let batch = read(format, page).unwrap();
    let name = |series: auscult_telemetry::metrics::MetricSeries<'_>| {
        format!("{} {:?}", series.labels, series.kind)
    };
    let mut names: Vec<_> = batch.series().map(name).collect();
    names.sort();
    names
}

/// With a point in every bound and quantile, as the protobuf format has it.
fn pointed(name: &str) -> String {
    let Some(start) = ["le=\"", "quantile=\""]
        .iter()
        .find_map(|label| name.find(label).map(|place| place + label.len()))
    else {
        return name.to_owned();
    };
    let end = start + name[start..].find('"').unwrap();
    let whole = name[start..end].bytes().all(|byte| byte.is_ascii_digit());
    format!("{}{}{}", &name[..end], if whole { ".0" } else { "" }, &name[end..])
}

#[test]
fn both_formats_of_real_exporters_name_the_same_series() {
    let pages: [(&[u8], &[u8]); 2] = [
        (include_bytes!("expositions/node.txt"), include_bytes!("expositions/node.pb")),
        (include_bytes!("expositions/prometheus.txt"), include_bytes!("expositions/prometheus.pb")),
    ];
    for (text, protobuf) in pages {
        let mut text: Vec<String> =
            names(Format::Text, text).iter().map(|name| pointed(name)).collect();
        text.sort();
        let mut protobuf = names(Format::Protobuf, protobuf);
        // Prometheus counts the first request by the second only.
        for names in [&mut text, &mut protobuf] {
            names.retain(|name| !name.contains("handler=\"/metrics\""));
        }
        assert!(text.len() > 100);
        let missing: Vec<_> = text.iter().filter(|name| !protobuf.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(text.len(), protobuf.len());
    }
}

#[test]
fn every_sample_of_a_real_page_is_there() {
    for page in [include_str!("expositions/node.txt"), include_str!("expositions/prometheus.txt")] {
        let lines: Vec<&str> =
            page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        let batch = read(Format::Text, page.as_bytes()).unwrap();
        assert_eq!(batch.len(), lines.len());
        for (series, line) in batch.series().zip(lines) {
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            assert_eq!(series.points[0].value.to_bits(), value.to_bits(), "{line}");
            assert!(line.starts_with(series.labels.metric()), "{line}");
        }
    }
}

#[test]
fn text_is_read_with_types_times_and_escapes() {
    let page = "\
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000
# a remark
http_requests_total { method = \"post\" , code=\"400\", }   3

# TYPE rpc summary
rpc{quantile=\"0.5\"} 4773
rpc_sum 1.7560473e+07
rpc_count 2693
# TYPE size histogram
size_bucket{le=\"+Inf\"} 2
size_sum 3
size_count 2
msdos_file{path=\"C:\\\\DIR\\\\F.TXT\",error=\"a\\nb \\\"c\\\" \\d\"} 1.458255915e9 -3982045
not_a_number NaN
minus -Inf";
    assert_eq!(
        text(page),
        [
            r#"http_requests_total{code="200",method="post"} Counter 1027 @1395066363"#,
            r#"http_requests_total{code="400",method="post"} Counter 3 @1000"#,
            r#"rpc{quantile="0.5"} Summary 4773 @1000"#,
            "rpc_sum Summary 17560473 @1000",
            "rpc_count Summary 2693 @1000",
            r#"size_bucket{le="+Inf"} Histogram 2 @1000"#,
            "size_sum Histogram 3 @1000",
            "size_count Histogram 2 @1000",
            r#"msdos_file{error="a\nb \"c\" \\d",path="C:\\DIR\\F.TXT"} Unknown 1458255915 @-3982.045"#,
            "not_a_number Unknown NaN @1000",
            "minus Unknown -inf @1000",
        ]
    );
    assert_eq!(text(""), Vec::<String>::new());
    assert_eq!(text("a 1\r\nb 2\r\n"), ["a Unknown 1 @1000", "b Unknown 2 @1000"]);
}

#[test]
fn names_may_be_quoted_and_of_any_letters() {
    let page = "# TYPE \"my.power\" gauge\n{\"my.power\",\"größe\"=\"L\"} 5\n{\"a\\\"b\"} 1\n";
    assert_eq!(text(page), [r#"my.power{größe="L"} Gauge 5 @1000"#, r#"a"b Unknown 1 @1000"#]);
    let page = format!("{page}# EOF\n");
    assert_eq!(open(&page).len(), 2);
}

#[test]
fn open_metrics_are_read_with_kinds_and_without_exemplars() {
    let page = "\
# TYPE acme_http counter
# UNIT acme_http_seconds seconds
# HELP acme_http Requests.
acme_http_total{path=\"/api\"} 17.0 1520879607.789 # {trace_id=\"a b\"} 0.67
acme_http_created{path=\"/api\"} 1.5e9
# TYPE foo histogram
foo_bucket{le=\"0.1\"} 8.0 # {} 0.054
foo_bucket{le=\"+Inf\"} 17.0 # {trace_id=\"KOO5S4vxi0o\"} 9.8 1520879607.789
foo_count 17
foo_sum 324789.3
# TYPE g gaugehistogram
g_bucket{le=\"+Inf\"} 2
g_gcount 2
g_gsum 1
# TYPE build info
build_info{version=\"1\"} 1
# TYPE feature stateset
feature{feature=\"a\"} 1
# EOF
";
    assert_eq!(
        open(page),
        [
            r#"acme_http_total{path="/api"} Counter 17 @1520879607.789"#,
            r#"acme_http_created{path="/api"} Counter 1500000000 @1000"#,
            r#"foo_bucket{le="0.1"} Histogram 8 @1000"#,
            r#"foo_bucket{le="+Inf"} Histogram 17 @1000"#,
            "foo_count Histogram 17 @1000",
            "foo_sum Histogram 324789.3 @1000",
            r#"g_bucket{le="+Inf"} GaugeHistogram 2 @1000"#,
            "g_gcount GaugeHistogram 2 @1000",
            "g_gsum GaugeHistogram 1 @1000",
            r#"build_info{version="1"} Info 1 @1000"#,
            r#"feature{feature="a"} StateSet 1 @1000"#,
        ]
    );
}

#[test]
fn a_page_that_breaks_the_rules_is_refused_and_says_where() {
    let cases = [
        ("a 1\nb x\n", "expected a number, got `x`, line 2, column 3"),
        ("a\n", "expected a blank before the value, got the end of the line, line 1, column 2"),
        ("a 1 1.5\n", "expected a time in whole milliseconds, got `1`, line 1, column 5"),
        ("a 1 1 1\n", "expected the end of the line behind the time, got `1`, line 1, column 7"),
        ("a{b=\"c\n", "expected a closing quote in this line, line 1, column 6"),
        ("a{b=\"c\" d=\"e\"} 1\n", "expected `,` or `}`, got `d`, line 1, column 9"),
        ("a{b=c} 1\n", "expected the value of a label in quotes, got `c`, line 1, column 5"),
        ("a{1=\"c\"} 1\n", "expected the name of a label or `}`, got `1`, line 1, column 3"),
        ("{b=\"c\"} 1\n", "expected the name of a metric, got ` `, line 1, column 8"),
        ("ä 1\n", "expected the name of a metric, got `ä`, line 1, column 1"),
        ("<html>\n", "expected the name of a metric, got `<`, line 1, column 1"),
        ("a{b=\"1\",b=\"2\"} 1\n", "label `b` stands twice in one series, line 1"),
        (
            "# TYPE a gauges\n",
            "expected one of the types counter, gauge, histogram, summary and untyped, line 1, column 10",
        ),
    ];
    for (page, sentence) in cases {
        assert_eq!(refused(Format::Text, page), sentence);
    }
    let cases = [
        ("a 1\n", "expected `# EOF`, without which the page may be cut, at its end"),
        ("a 1\n# EOF\nb 1\n", "expected nothing behind `# EOF`, got `b`, line 3, column 1"),
        ("\n# EOF\n", "expected the name of a metric, got the end of the line, line 1, column 1"),
        ("a  1\n# EOF\n", "expected a number, line 1, column 3"),
        ("a 1 NaN\n# EOF\n", "expected a time in seconds, line 1, column 4"),
        (
            "# note\n# EOF\n",
            "expected `# TYPE `, `# HELP `, `# UNIT ` or `# EOF`, got `#`, line 1, column 1",
        ),
        (
            "a 1 # {b=\"c\"}\n# EOF\n",
            "expected one blank before the value of the exemplar, got the end of the line, line 1, column 14",
        ),
    ];
    for (page, sentence) in cases {
        let got = refused(Format::OpenMetrics, page);
        assert!(got == sentence || got.replace(", got ` `", "") == sentence, "{got}");
    }
    let error = read(Format::Text, b"a 1\nb{c=\"\xff\"} 1\n").unwrap_err();
    assert_eq!(error.to_string(), "expected UTF-8, line 2, byte 6");
    let error = read(Format::Protobuf, b"\x05abc").unwrap_err();
    assert_eq!(error.to_string(), "the protobuf message is broken, family 1");
}

#[test]
fn times_are_kept_only_where_they_are_honored() {
    let mut batch = MetricBatch::default();
    let times = Times { honor: false, ..ASKED };
    Format::Text.read(b"a 1 5000\n", times, &mut batch).unwrap();
    assert_eq!(shown(&batch), ["a Unknown 1 @1000"]);
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::OpenMetrics), Just(Format::Protobuf)]
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_word(
        format in any_format(),
        page in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Err(error) = read(format, &page) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn anything_like_a_page_ends_in_a_word(
        format in any_format(),
        page in "([a#{}\",= \\\\\t\n0-9.é]|# TYPE |# EOF|_total| counter\n|\\\\n){0,60}",
    ) {
        if let Err(error) = read(format, page.as_bytes()) {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }

    #[test]
    fn a_damaged_page_ends_in_a_word(at in 0_usize..10_000, byte in any::<u8>()) {
        let mut page = include_bytes!("expositions/node.pb").to_vec();
        let place = at % page.len();
        page[place] = byte;
        drop(read(Format::Protobuf, &page));
        drop(read(Format::Protobuf, &page[..place]));
    }

    #[test]
    fn what_is_written_is_read(
        labels in prop::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "\\PC{0,8}|[\\\\\"\n]{1,4}", 0..4),
        value in any::<f64>(),
    ) {
        let escape = |text: &str| {
            text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
        };
        let pairs: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let page = format!("metric{{{}}} {value}\n# EOF\n", pairs.join(","));
        for format in [Format::Text, Format::OpenMetrics] {
            let batch = read(format, page.as_bytes()).unwrap();
            let series = batch.series().next().unwrap();
            for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
                prop_assert_eq!(series.labels.get(name), Some(value.as_str()));
            }
            let read = series.points[0].value;
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }
    }
}
