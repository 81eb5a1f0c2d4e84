//! The page for people. Every value is escaped where it is put in.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, html};

use super::view::{ClassView, FailureView, HolderView, PoolView, View};

/// Nothing is loaded and nothing runs; the style is the page's own.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body { font: 14px/1.4 system-ui, sans-serif; margin: 2em } \
    table { border-collapse: collapse; margin: .5em 0 1.5em } \
    th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: left } \
    td.n { text-align: right } .bad { color: #b00 }";

pub(super) fn render(view: &View) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Pools" }
                style { (STYLE) }
            }
            body {
                h1 { "Pools" }
                (overview(&view.pools))
                @for pool in &view.pools { (details(pool)) }
            }
        }
    };
    page.into_string()
}

fn overview(pools: &[PoolView]) -> Markup {
    html! {
        table {
            tr {
                th { "pool" } th { "state" } th { "max" } th { "leased" } th { "idle" }
                th { "opening" } th { "checking" } th { "cleaning" } th { "closing" }
                th { "waiting" } th { "generation" } th { "last failure" }
            }
            @for pool in pools {
                @let status = &pool.status;
                tr {
                    td { (name(pool)) }
                    td { (state(pool)) }
                    (number(status.max_size)) (number(status.leased)) (number(status.idle))
                    (number(status.opening)) (number(status.checking))
                    (number(status.cleaning)) (number(status.closing))
                    td.n {
                        (status.waiters)
                        @if let Some(oldest) = status.oldest_waiter_s {
                            " (the first for " (oldest) " s)"
                        }
                    }
                    (number(status.generation))
                    td { (failure(pool.last_failure.as_ref())) }
                }
            }
        }
    }
}

fn details(pool: &PoolView) -> Markup {
    html! {
        h2 { (name(pool)) }
        p { (pool.status.summary) }
        @if !pool.holders.is_empty() {
            h3 { "Holders, longest first" }
            table {
                tr { th { "session" } th { "held, s" } th { "acquired at" } th { "class" } th { "task" } }
                @for holder in &pool.holders { (row_of_holder(holder)) }
            }
            @if pool.holders_not_shown > 0 { p { "and " (pool.holders_not_shown) " more" } }
        }
        @if !pool.classes.is_empty() {
            h3 { "Classes" }
            table {
                tr { th { "class" } th { "leased" } th { "limit" } th { "waiting" } th { "timeout, s" } }
                @for class in &pool.classes { (row_of_class(class)) }
            }
        }
        details {
            summary { "Counters" }
            (pairs(&pool.counters))
        }
        details {
            summary { "Sessions gone, by reason" }
            (pairs(&pool.closed_by_reason))
        }
        details {
            summary { "Settings" }
            (pairs(&pool.settings))
        }
    }
}

fn row_of_holder(holder: &HolderView) -> Markup {
    html! {
        tr {
            (number(holder.session)) (number(holder.held_s))
            td { (holder.site) }
            td { (holder.class.as_deref().unwrap_or_default()) }
            td { (holder.task.as_deref().unwrap_or_default()) }
        }
    }
}

fn row_of_class(class: &ClassView) -> Markup {
    html! {
        tr {
            td { (class.name) }
            (number(class.leased)) (number(or_none(class.limit)))
            (number(class.waiters)) (number(or_none(class.timeout_s)))
        }
    }
}

fn pairs(pairs: &BTreeMap<&'static str, impl ToString>) -> Markup {
    html! {
        table {
            @for (name, value) in pairs { tr { td { (name) } (number(value.to_string())) } }
        }
    }
}

fn name(pool: &PoolView) -> &str {
    pool.name.as_deref().unwrap_or("unnamed")
}

fn state(pool: &PoolView) -> Markup {
    html! {
        @if pool.status.closed { span.bad { "closed" } }
        @else if pool.status.paused { span.bad { "paused" } }
        @else { "open" }
    }
}

fn failure(last: Option<&FailureView>) -> Markup {
    html! {
        @if let Some(FailureView { fault, age_s, streak }) = last {
            @if *streak > 0 {
                span.bad { (fault) ", " (age_s) " s ago, " (streak) " in a row" }
            } @else {
                (fault) ", " (age_s) " s ago, over"
            }
        }
    }
}

fn number(value: impl maud::Render) -> Markup {
    html! { td.n { (value) } }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
