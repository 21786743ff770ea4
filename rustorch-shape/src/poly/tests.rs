//! The normal form against plain integer arithmetic, and what the algebra can decide.

use super::*;

fn c(n: i128) -> Poly {
    Poly::integer(n)
}

fn add(a: &Poly, b: &Poly) -> Poly {
    a.plus(b).unwrap()
}

fn sub(a: &Poly, b: &Poly) -> Poly {
    a.minus(b).unwrap()
}

fn mul(a: &Poly, b: &Poly) -> Poly {
    a.times(b).unwrap()
}

fn div(a: &Poly, b: &Poly) -> Poly {
    a.over(b).unwrap()
}

#[test]
fn equal_formulas_have_one_normal_form() {
    let (h, d) = (Poly::dim("h"), Poly::param("D"));
    assert_eq!(add(&div(&sub(&add(&h, &c(2)), &c(3)), &c(1)), &c(1)), h);
    assert_eq!(div(&mul(&c(4), &d), &d), c(4));
    assert_eq!(div(&mul(&c(2), &h), &c(2)), h);
    assert_eq!(add(&div(&sub(&h, &c(2)), &c(2)), &c(1)), div(&h, &c(2)));
    assert_eq!(div(&div(&h, &c(2)), &c(2)), div(&h, &c(4)));
    assert_eq!(div(&add(&mul(&c(2), &h), &c(1)), &c(4)), div(&h, &c(2)));
    let square_difference = sub(&mul(&d, &d), &mul(&h, &h));
    assert_eq!(div(&square_difference, &add(&d, &h)), sub(&d, &h));
}

#[test]
fn display_reads_like_rust() {
    let (h, d, n) = (Poly::dim("h"), Poly::param("D"), Poly::param("HEADS"));
    assert_eq!(mul(&d, &c(4)).to_string(), "4*D");
    assert_eq!(sub(&div(&add(&h, &c(1)), &c(2)), &c(1)).to_string(), "(h + 1)/2 - 1");
    assert_eq!(div(&d, &n).to_string(), "D/HEADS");
    assert_eq!(mul(&n, &div(&d, &n)).to_string(), "HEADS*(D/HEADS)");
    assert_eq!(sub(&c(3), &h).to_string(), "3 - h");
    assert_eq!(c(0).to_string(), "0");
}

#[test]
fn equality_is_decided_where_it_can_be() {
    let (batch, seq) = (Poly::dim("batch"), Poly::dim("seq"));
    let (d, e) = (Poly::param("D"), Poly::param("E"));
    let is = |a: &Poly, b: &Poly| a.holds(Relation::Equal, b);
    assert_eq!(is(&batch, &batch), Truth::True);
    assert_eq!(is(&batch, &seq), Truth::False);
    assert_eq!(is(&batch, &c(32)), Truth::False);
    assert_eq!(is(&batch, &d), Truth::False);
    assert_eq!(is(&c(3), &c(4)), Truth::False);
    assert_eq!(is(&d, &e), Truth::Unknown);
    assert_eq!(is(&d, &c(64)), Truth::Unknown);
    assert_eq!(is(&mul(&c(4), &d), &d), Truth::False);
    assert_eq!(is(&mul(&batch, &d), &mul(&batch, &e)), Truth::Unknown);
    assert_eq!(is(&mul(&batch, &d), &mul(&seq, &d)), Truth::False);
    assert_eq!(is(&mul(&div(&batch, &c(2)), &c(2)), &batch), Truth::False);
    assert_eq!(is(&mul(&div(&d, &e), &e), &d), Truth::Unknown);
}

#[test]
fn order_and_divisibility_are_decided_where_they_can_be() {
    let (h, d, e) = (Poly::dim("h"), Poly::param("D"), Poly::param("E"));
    assert_eq!(add(&h, &c(2)).holds(Relation::AtLeast, &c(3)), Truth::True);
    assert_eq!(h.holds(Relation::AtLeast, &c(3)), Truth::Unknown);
    assert_eq!(c(2).holds(Relation::AtLeast, &c(3)), Truth::False);
    assert_eq!(sub(&c(2), &d).holds(Relation::AtLeast, &c(2)), Truth::False);
    assert_eq!(mul(&c(6), &d).holds(Relation::MultipleOf, &c(3)), Truth::True);
    assert_eq!(add(&mul(&c(6), &d), &c(1)).holds(Relation::MultipleOf, &c(3)), Truth::False);
    assert_eq!(d.holds(Relation::MultipleOf, &e), Truth::Unknown);
    assert_eq!(mul(&h, &d).holds(Relation::MultipleOf, &mul(&h, &e)), Truth::Unknown);
    assert_eq!(mul(&h, &c(10)).holds(Relation::MultipleOf, &c(3)), Truth::False);
    assert_eq!(d.holds(Relation::MultipleOf, &c(0)), Truth::False);
}

#[test]
fn claims_split_into_conditions_on_parameters() {
    let (batch, d, e) = (Poly::dim("batch"), Poly::param("D"), Poly::param("E"));
    let mut claims = Vec::new();
    let error = ShapeError::input("add", 0, "sizes differ");
    for _ in 0..2 {
        Poly::claim(&mut claims, &mul(&batch, &d), Relation::Equal, &mul(&batch, &e), error.clone());
    }
    assert_eq!(claims.len(), 1, "the same claim is kept once");
    assert_eq!(claims[0].conditions(), Some(vec![(d, Relation::Equal, e)]));
    let run_time = Claim { left: batch, relation: Relation::AtLeast, right: c(3), otherwise: error };
    assert_eq!(run_time.conditions(), None);
}

#[test]
fn extreme_arithmetic_is_refused_not_wrapped() {
    let huge = c(i128::MAX);
    assert_eq!(huge.plus(&c(1)), None);
    assert_eq!(huge.times(&c(2)), None);
    assert_eq!(Poly::dim("h").over(&c(0)), None);
    assert_eq!(usize::MAX.plus(&1), None);
    assert_eq!(1usize.minus(&2), None);
    assert_eq!(1usize.over(&0), None);
}

/// A small deterministic generator: the crate has no dependencies.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

/// A random formula both as a polynomial and as its value for `h`, `D`.
fn formula(rng: &mut Rng, depth: u32, h: i128, d: i128) -> (Poly, i128) {
    if depth == 0 {
        return match rng.below(3) {
            0 => (Poly::dim("h"), h),
            1 => (Poly::param("D"), d),
            _ => {
                let n = rng.below(9) as i128;
                (c(n), n)
            }
        };
    }
    let (a, x) = formula(rng, depth - 1, h, d);
    let (b, y) = formula(rng, depth - 1, h, d);
    match rng.below(5) {
        0 => (add(&a, &b), x + y),
        1 => (sub(&a, &b), x - y),
        2 => (mul(&a, &b), x * y),
        _ => {
            let n = 1 + rng.below(6) as i128;
            (div(&a, &c(n)), x.div_euclid(n))
        }
    }
}

#[test]
fn normal_form_keeps_the_value() {
    for seed in 0..4000 {
        let mut rng = Rng(seed);
        let (h, d) = (1 + rng.below(40) as i128, 1 + rng.below(40) as i128);
        let (poly, value) = formula(&mut rng, 4, h, d);
        let of = |atom: &Atom| match atom {
            Atom::Dim(_) => Some(h),
            _ => Some(d),
        };
        assert_eq!(poly.evaluate(&of), Some(value), "{poly} for h = {h}, D = {d}, seed {seed}");
    }
}

#[test]
fn decisions_agree_with_values() {
    for seed in 0..4000 {
        let mut rng = Rng(u64::wrapping_mul(seed, 77));
        let (h, d) = (1 + rng.below(40) as i128, 1 + rng.below(40) as i128);
        let (a, x) = formula(&mut rng, 3, h, d);
        let (b, y) = formula(&mut rng, 3, h, d);
        if a.holds(Relation::Equal, &b) == Truth::True {
            assert_eq!(x, y, "{a} == {b}");
        }
        match a.holds(Relation::AtLeast, &b) {
            Truth::True => assert!(x >= y, "{a} >= {b}"),
            Truth::False => assert!(x < y, "{a} < {b}"),
            Truth::Unknown => {}
        }
        if y > 0 && a.holds(Relation::MultipleOf, &b) == Truth::True {
            assert_eq!(x % y, 0, "{a} % {b}");
        }
    }
}
