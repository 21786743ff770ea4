//! Specifications, checks and plans; and plans carried out by a naive interpreter against the definition of einsum.

use super::*;
use crate::{Poly, Size};

fn errors(spec: &str, shapes: &[&[usize]]) -> Vec<String> {
    match Spec::parse(spec) {
        Err(error) => vec![error.to_string()],
        Ok(spec) => match spec.check(shapes) {
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
            Ok(checked) => panic!("accepted, with output shape {:?}", checked.output_shape()),
        },
    }
}

fn shape(spec: &str, shapes: &[&[usize]]) -> Vec<usize> {
    Spec::parse(spec).unwrap().check(shapes).unwrap().output_shape()
}

/// What `torch.einsum` 2.15 returned for the same specifications and shapes.
#[test]
fn output_shapes_are_those_of_pytorch() {
    assert_eq!(shape("ij,jk", &[&[2, 1], &[3, 4]]), [2, 4]);
    assert_eq!(shape("...ij->i", &[&[2, 3, 4]]), [3]);
    assert_eq!(shape("ij->...i", &[&[2, 3]]), [2]);
    assert_eq!(shape("i j , j k -> i k", &[&[2, 3], &[3, 4]]), [2, 4]);
    assert_eq!(shape("bA", &[&[2, 3]]), [3, 2]);
    assert_eq!(shape("...i,...i", &[&[2, 3], &[4, 2, 3]]), [4, 2]);
    assert_eq!(shape("ij,", &[&[2, 3], &[]]), [2, 3]);
    for scalar in ["", "->"] {
        assert_eq!(shape(scalar, &[&[]]), [0usize; 0]);
    }
    assert_eq!(shape(",i", &[&[], &[3]]), [3]);
    assert_eq!(shape("i->...", &[&[2]]), [0usize; 0]);
    assert_eq!(shape("ii", &[&[3, 3]]), [0usize; 0]);
}

#[test]
fn syntax_errors_name_operand_and_place() {
    let at = |text: &str| {
        let error = Spec::parse(text).unwrap_err();
        (error.operand, error.offset)
    };
    assert_eq!(at("ij,j1->i"), (Some(1), Some(4)));
    assert_eq!(at("i.j"), (Some(0), Some(1)));
    assert_eq!(at("i . .."), (Some(0), Some(2)));
    assert_eq!(at("...i..."), (Some(0), Some(4)));
    assert_eq!(at("ij-j"), (Some(0), Some(2)));
    assert_eq!(at("i->i->"), (None, Some(4)));
    assert_eq!(at("i->i."), (None, Some(4)));
    assert_eq!(at("ij->ii"), (None, Some(5)));
    assert_eq!(at("i,é"), (Some(1), Some(2)));
    assert!(errors("ij->k", &[])[0].contains("index `k`, which no operand has; the operands have `i`, `j`"));
}

#[test]
fn size_errors_name_operands_axes_and_both_sizes() {
    assert_eq!(
        errors("ij,jk->ik", &[&[2, 5], &[3, 4]]),
        ["index `j` has size 5 in operand 0 (axis 1) but size 3 in operand 1 (axis 0)"]
    );
    assert_eq!(
        errors("...i,...i", &[&[2, 3], &[4, 5, 3]]),
        ["index `...` has size 2 in operand 0 (axis 0) but size 5 in operand 1 (axis 1)"]
    );
    let diagonal = "index `i` is repeated in operand 0, whose axes 0 and 1 have sizes 1 and 3: a diagonal needs equal sizes";
    assert_eq!(errors("ii->i", &[&[1, 3]]), [diagonal]);
    assert_eq!(errors("ij,jk", &[&[2, 3]]), ["the expression is written for 2 operands, but 1 is given"]);
    assert_eq!(errors("ij", &[&[2], &[3]]), ["the expression is written for 1 operand, but 2 are given"]);
    assert_eq!(
        errors("ij", &[&[2]]),
        ["operand 0 has 1 axis, but its term `ij` has 2 subscripts and no ellipsis"]
    );
    assert_eq!(errors("ij,jk,ik->", &[&[2, 3], &[4, 5], &[6, 7]]).len(), 3, "every mistake is reported");
}

#[test]
fn an_axis_of_one_takes_its_size_from_whoever_has_it() {
    let checked = Spec::parse("ij,jk->ik").unwrap().check(&[[2usize, 1], [3, 4]]).unwrap();
    assert_eq!(checked.sizes, [2, 3, 4]);
    assert!(checked.operands[0][1].broadcast);
    let plan = checked.plan();
    assert_eq!(plan.prepare[0].dropped, [1]);
    assert_eq!(plan.prepare[1].summed, [0], "the larger axis is then the operand's own, and summed alone");
}

#[test]
fn symbolic_sizes_are_planned_by_degree_and_assumed_equal_where_unknown() {
    let (n, four) = (Poly::dim("n"), Poly::constant(4));
    let square = [n.clone(), n.clone()];
    let shapes = [square.clone(), square.clone(), [n.clone(), four]];
    let checked = Spec::parse("ab,bc,cd->ad").unwrap().check(&shapes).unwrap();
    assert!(checked.assumptions.is_empty());
    let first = &checked.plan().contractions[0];
    assert_eq!(
        (first.left.min(first.right), first.left.max(first.right)),
        (1, 2),
        "4n² twice is less than n³ and 4n²"
    );

    let matmul = Spec::parse("ab,bc->ac").unwrap();
    let checked = matmul.check(&[square.clone(), [Poly::param("D"), n.clone()]]);
    assert_eq!(checked.unwrap_err()[0].to_string().matches("`b` has size n in operand 0").count(), 1);
    let (d, e) = (Poly::param("D"), Poly::param("E"));
    let checked = matmul.check(&[[n.clone(), d], [e, n]]).unwrap();
    assert_eq!(checked.assumptions, [Assumption { index: 1, first: (0, 1), second: (1, 0) }]);
}

#[test]
fn attention_is_one_batched_product_without_permuting_the_result() {
    let spec = Spec::parse("bqhd,bkhd->bhqk").unwrap();
    let plan = spec.check(&[vec![8usize, 128, 4, 32], vec![8, 64, 4, 32]]).unwrap().plan();
    let step = &plan.contractions[0];
    assert_eq!((step.left, step.right), (0, 1));
    assert_eq!(
        (step.left_axes.as_slice(), step.right_axes.as_slice()),
        (&[0, 2, 1, 3][..], &[0, 2, 3, 1][..])
    );
    assert_eq!(plan.permutation, None);
}

#[test]
fn the_operand_whose_axes_come_first_in_the_output_gives_the_rows() {
    let plan = |text: &str| Spec::parse(text).unwrap().check(&[[3usize, 3], [3, 3]]).unwrap().plan();
    assert_eq!(plan("ij,jk->ki").contractions[0].left, 1);
    assert_eq!(plan("ij,jk->ki").permutation, None);
    assert_eq!(plan("ij,jk->ik").contractions[0].left, 0);
}

#[test]
fn index_form_keeps_long_names() {
    let spec = Spec::from_terms(
        &[vec![Some("row"), Some("inner")], vec![Some("inner"), Some("col")]],
        &[Some("row"), Some("col")],
    )
    .unwrap();
    assert_eq!(spec.to_string(), "row inner,inner col -> row col");
    let errors =
        Spec::from_terms(&[vec![Some("i"), None, None]], &[Some("j"), Some("i"), Some("i")]).unwrap_err();
    assert_eq!(errors.iter().map(|e| e.offset.unwrap()).collect::<Vec<_>>(), [2, 3, 5]);
}

// ---- plans against the definition ----

#[derive(Clone)]
struct Dense {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Dense {
    fn from_fn(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Self {
        let count = shape.iter().product();
        let data = (0..count).map(|flat| f(&unravel(flat, shape))).collect();
        Self { shape: shape.to_vec(), data }
    }

    fn at(&self, place: &[usize]) -> f64 {
        self.data[place.iter().zip(&self.shape).fold(0, |flat, (i, size)| flat * size + i)]
    }
}

fn unravel(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        place[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    place
}

/// The definition: for every output place, the sum over all other indices of the product of the operands.
fn definition(checked: &Checked<usize>, operands: &[Dense]) -> Dense {
    let mut result = Dense::from_fn(&checked.output_shape(), |_| 0.0);
    let out_shape = result.shape.clone();
    for flat in 0..checked.sizes.iter().product() {
        let values = unravel(flat, &checked.sizes);
        let place = |axes: &[Axis]| -> Vec<usize> {
            axes.iter().map(|axis| if axis.broadcast { 0 } else { values[axis.index] }).collect()
        };
        let product: f64 =
            operands.iter().zip(&checked.operands).map(|(t, axes)| t.at(&place(axes))).product();
        let out =
            checked.output.iter().zip(&out_shape).fold(0, |flat, (&index, size)| flat * size + values[index]);
        result.data[out] += product;
    }
    result
}

/// Carries out the steps of a plan literally.
fn carry_out(plan: &Plan, sizes: &[usize], operands: &[Dense]) -> Dense {
    let mut values: Vec<(Vec<Index>, Dense)> = Vec::new();
    for (prepare, operand) in plan.prepare.iter().zip(operands) {
        let full: Vec<usize> = prepare.axes.iter().map(|axes| operand.shape[axes[0]]).collect();
        let kept: Vec<usize> = (0..full.len()).filter(|at| !prepare.summed.contains(at)).collect();
        let out: Vec<usize> = kept.iter().map(|&at| full[at]).collect();
        let mut sum = Dense::from_fn(&out, |_| 0.0);
        for flat in 0..full.iter().product() {
            let place = unravel(flat, &full);
            let mut source = vec![0; operand.shape.len()];
            for (at, axes) in prepare.axes.iter().enumerate() {
                axes.iter().for_each(|&axis| source[axis] = place[at]);
            }
            let target = kept.iter().fold(0, |flat, &at| flat * full[at] + place[at]);
            sum.data[target] += operand.at(&source);
        }
        values.push((prepare.indices.clone(), sum));
    }
    for step in &plan.contractions {
        let result = pair(step, sizes, &values[step.left], &values[step.right]);
        check_gradients(step, sizes, &values[step.left], &values[step.right], &result.1);
        values.push(result);
    }
    let (_, last) = values.pop().unwrap();
    match &plan.permutation {
        Some(axes) => permute(&last, axes),
        None => last,
    }
}

/// One contraction by its definition.
fn pair(
    step: &Contraction,
    sizes: &[usize],
    left: &(Vec<Index>, Dense),
    right: &(Vec<Index>, Dense),
) -> (Vec<Index>, Dense) {
    let result = step.result();
    let all = [&result[..], &step.contracted].concat();
    let extent = |indices: &[Index]| indices.iter().map(|&i| sizes[i]).collect::<Vec<_>>();
    let permuted = |value: &(Vec<Index>, Dense), axes: &[usize]| {
        axes.iter().map(|&axis| value.0[axis]).collect::<Vec<_>>()
    };
    let left_order = [&step.batch[..], &step.rows, &step.contracted].concat();
    let right_order = [&step.batch[..], &step.contracted, &step.columns].concat();
    assert_eq!(
        (permuted(left, &step.left_axes), permuted(right, &step.right_axes)),
        (left_order, right_order)
    );
    let mut out = Dense::from_fn(&extent(&result), |_| 0.0);
    for flat in 0..extent(&all).iter().product() {
        let place = unravel(flat, &extent(&all));
        let read = |(indices, tensor): &(Vec<Index>, Dense)| {
            tensor.at(&indices
                .iter()
                .map(|i| place[all.iter().position(|a| a == i).unwrap()])
                .collect::<Vec<_>>())
        };
        let target = place.iter().zip(extent(&result)).fold(0, |flat, (&i, size)| flat * size + i);
        out.data[target] += read(left) * read(right);
    }
    (result, out)
}

/// The result is linear in each operand, so that `⟨result, result⟩ = ⟨operand, gradient of the operand for result⟩`; and the
/// gradient must have the operand's axes.
fn check_gradients(
    step: &Contraction,
    sizes: &[usize],
    left: &(Vec<Index>, Dense),
    right: &(Vec<Index>, Dense),
    result: &Dense,
) {
    let dot = |a: &Dense, b: &Dense| a.data.iter().zip(&b.data).map(|(a, b)| a * b).sum::<f64>();
    let grad = (step.result(), result.clone());
    let gradients =
        [(step.left_gradient(), (&grad, right), left), (step.right_gradient(), (left, &grad), right)];
    for (gradient, (a, b), operand) in gradients {
        let (indices, tensor) = pair(&gradient.contraction, sizes, a, b);
        let ordered: Vec<Index> = gradient.permutation.iter().map(|&axis| indices[axis]).collect();
        assert_eq!(ordered, operand.0);
        assert_eq!(dot(result, result), dot(&operand.1, &permute(&tensor, &gradient.permutation)));
    }
}

fn permute(tensor: &Dense, axes: &[usize]) -> Dense {
    let shape: Vec<usize> = axes.iter().map(|&axis| tensor.shape[axis]).collect();
    Dense::from_fn(&shape, |place| {
        let mut source = vec![0; axes.len()];
        axes.iter().zip(place).for_each(|(&axis, &i)| source[axis] = i);
        tensor.at(&source)
    })
}

/// A small generator of random numbers (SplitMix64), since this crate has no dependencies.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// A random specification with repeated indices, ellipses, axes of one and scalars, and shapes that fit it.
fn random_case(random: &mut Random) -> (String, Vec<Vec<usize>>) {
    let letters = ['a', 'b', 'c', 'Z', 'Y'];
    let sizes: Vec<usize> = letters.iter().map(|_| 1 + random.below(3)).collect();
    let hidden = [1 + random.below(2), 1 + random.below(3)];
    let (mut terms, mut shapes, mut used) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..1 + random.below(4) {
        let (mut term, mut shape) = (String::new(), Vec::new());
        let ellipsis = (random.below(3) == 0).then(|| random.below(3));
        for position in 0..random.below(4) {
            if let (Some(rank), 0) = (ellipsis, position) {
                term.push_str("...");
                shape.extend(&hidden[2 - rank..]);
            }
            let pick = random.below(letters.len());
            let repeated = term.contains(letters[pick]);
            term.push(letters[pick]);
            // Repeated axes of one operand must agree; others may be 1 and broadcast.
            let broadcast = !repeated && random.below(6) == 0 && term.matches(letters[pick]).count() == 1;
            shape.push(if broadcast { 1 } else { sizes[pick] });
            used.push(letters[pick]);
        }
        terms.push(term);
        shapes.push(shape);
    }
    let mut spec = terms.join(",");
    if random.below(3) > 0 {
        used.sort_unstable();
        used.dedup();
        used.retain(|_| random.below(2) == 0);
        let output: String = used.iter().rev().collect();
        let ellipsis = if random.below(3) > 0 { "..." } else { "" };
        spec = format!("{spec}->{output}{ellipsis}");
    }
    (spec, shapes)
}

#[test]
fn plans_compute_the_definition_of_random_specifications() {
    let mut random = Random(7);
    let (mut ran, mut contracted) = (0, 0);
    while ran < 3000 {
        let (text, shapes) = random_case(&mut random);
        // A broadcast axis before its repetition in the same operand is rightly refused as a diagonal.
        let spec = Spec::parse(&text).unwrap();
        let Ok(checked) = spec.check(&shapes) else { continue };
        let mut fill = |shape: &Vec<usize>| Dense::from_fn(shape, |_| random.below(7) as f64 - 3.0);
        let operands: Vec<Dense> = shapes.iter().map(&mut fill).collect();
        let plan = checked.plan();
        let (ours, expected) = (carry_out(&plan, &checked.sizes, &operands), definition(&checked, &operands));
        assert_eq!((&ours.shape, &ours.data), (&expected.shape, &expected.data), "{text} over {shapes:?}");
        ran += 1;
        contracted += plan.contractions.len();
    }
    assert!(
        contracted > 2000,
        "the cases must exercise contractions, not only single operands: {contracted}"
    );
}

#[test]
fn parsing_never_panics_and_printing_round_trips() {
    let mut random = Random(11);
    let alphabet = ['a', 'b', 'Z', '.', '.', '.', ',', ',', '-', '>', ' ', '1', 'é'];
    for _ in 0..20_000 {
        let text: String = (0..random.below(12)).map(|_| alphabet[random.below(alphabet.len())]).collect();
        match Spec::parse(&text) {
            Ok(spec) => assert_eq!(Spec::parse(&spec.to_string()).unwrap().to_string(), spec.to_string()),
            Err(error) => assert!(error.render(&text).contains(&text), "{text}"),
        }
    }
}
