//! The book's pages, whose code is compiled and run with the documentation tests.

/// Makes the code of each page a documentation test.
macro_rules! pages {
    ($($page:literal as $name:ident),+ $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("src/", $page, ".md"))]
            struct $name;
        )+
    };
}

pages! {
    "from-bb8" as FromBb8,
    "from-deadpool" as FromDeadpool,
    "from-sqlalchemy" as FromSqlalchemy,
    "from-sqlx" as FromSqlx,
    "introduction" as Introduction,
    "three-in-the-morning" as ThreeInTheMorning,
}
