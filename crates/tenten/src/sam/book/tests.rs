use super::*;

fn uid(text: &str) -> Arc<str> {
    text.into()
}

const LONG: Duration = Duration::from_secs(900);

/// A book with one ID in that step.
fn at(step: Step) -> (Book, Number) {
    let mut book = Book::default();
    let number = book.intend();
    if step != Step::Intent {
        book.leased(number, &uid("a"), &Alive::default(), LONG).expect("not held");
    }
    if step == Step::Open {
        book.open(number);
    }
    if step == Step::Releasing {
        assert!(book.releasing(number));
    }
    (book, number)
}

fn step(book: &Book) -> Option<Step> {
    book.entries().next().map(|(_, entry)| entry.step)
}

#[test]
fn only_what_is_held_is_given_back() {
    for (from, may) in
        [(Step::Intent, false), (Step::Leased, true), (Step::Open, true), (Step::Releasing, false)]
    {
        let (mut book, number) = at(from);
        assert_eq!(book.releasing(number), may, "{from:?}");
    }
}

#[test]
fn a_release_is_never_repeated_when_its_outcome_is_unknown() {
    let (mut book, number) = at(Step::Releasing);
    book.in_doubt(number);
    assert!(!book.releasing(number));
    book.not_released(number);
    assert!(!book.releasing(number));
    book.stuck(number);
    assert!(!book.releasing(number));
    assert_eq!(book.tally().in_doubt, 1);
}

#[test]
fn a_refused_release_may_be_asked_again() {
    let (mut book, number) = at(Step::Releasing);
    book.not_released(number);
    assert!(book.releasing(number));
    book.released(number);
    assert!(!book.releasing(number));
    assert_eq!((book.tally().taken, book.tally().given_back), (1, 1));
    assert_eq!(step(&book), None);
}

#[test]
fn what_was_not_taken_leaves_nothing() {
    let (mut book, number) = at(Step::Intent);
    book.not_taken(number);
    assert_eq!((step(&book), book.tally()), (None, Tally::default()));
}

#[test]
fn an_id_held_here_is_not_lent_twice() {
    for held in [Step::Leased, Step::Open] {
        let (mut book, _) = at(held);
        let second = book.intend();
        assert_eq!(book.leased(second, &uid("a"), &Alive::default(), LONG), Err(Duplicate));
        assert_eq!(book.entries().count(), 1);
        assert_eq!(book.tally().duplicates, 1);
    }
}

#[test]
fn an_id_on_its_way_back_may_come_again() {
    let (mut book, first) = at(Step::Releasing);
    let second = book.intend();
    assert_eq!(book.leased(second, &uid("a"), &Alive::default(), LONG), Ok(()));
    book.released(first);
    assert!(book.releasing(second));
}

#[test]
fn an_id_that_came_again_is_given_back_by_its_newer_holder() {
    let (mut book, first) = at(Step::Releasing);
    let second = book.intend();
    book.leased(second, &uid("a"), &Alive::default(), LONG).expect("not held");
    book.not_released(first);
    assert!(!book.releasing(first) && book.releasing(second));
    book.released(second);
    assert!(!book.releasing(first));
    assert_eq!((book.tally().taken, book.tally().given_back), (2, 2));
}

#[test]
fn what_was_reset_is_not_given_back() {
    for held in [Step::Leased, Step::Open, Step::Releasing] {
        let (mut book, number) = at(held);
        let (known, under_way) = (book.known(), book.intend());
        book.reset(&known);
        assert!(!book.releasing(number), "{held:?}");
        book.leased(under_way, &uid("a"), &Alive::default(), LONG).expect("not held");
        assert!(book.releasing(under_way));
    }
}

#[test]
fn an_id_that_comes_again_is_no_longer_in_doubt() {
    let (mut book, first) = at(Step::Releasing);
    book.in_doubt(first);
    let second = book.intend();
    book.leased(second, &uid("a"), &Alive::default(), LONG).expect("not held");
    assert!(book.entries().all(|(_, entry)| !entry.in_doubt));
}

#[test]
fn a_stuck_id_that_comes_again_is_a_new_one() {
    let (mut book, first) = at(Step::Releasing);
    book.stuck(first);
    let second = book.intend();
    assert_eq!(book.leased(second, &uid("a"), &Alive::default(), LONG), Ok(()));
    assert_eq!(book.entries().count(), 1);
    assert!(!book.releasing(first) && book.releasing(second));
}

#[test]
fn an_id_that_the_gateway_kept_long_enough_may_come_again() {
    for (seconds, answer) in [(899, Err(Duplicate)), (900, Ok(()))] {
        let (mut book, first) = at(Step::Open);
        let (second, now) = (book.intend(), Alive::default());
        now.seen(Duration::from_secs(seconds));
        assert_eq!(book.leased(second, &uid("a"), &now, LONG), answer, "{seconds} s");
        assert_eq!(book.releasing(first), answer.is_err());
    }
}

#[test]
fn a_held_id_in_doubt_is_not_given_back() {
    let (mut book, number) = at(Step::Open);
    book.in_doubt(number);
    assert_eq!(step(&book), Some(Step::Releasing));
    assert!(!book.releasing(number));
}

#[test]
fn doubts_are_bounded() {
    let mut book = Book::default();
    for _ in 0..MOST_DOUBTS + 5 {
        let number = book.intend();
        book.in_doubt(number);
    }
    assert_eq!(book.entries().count(), MOST_DOUBTS);
    assert_eq!(book.tally().in_doubt, MOST_DOUBTS as u64 + 5);
}
