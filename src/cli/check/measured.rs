//! What the session says of the figures' inputs. A question that fails is a line that does not pass, so that the others are told.

use super::compare::Measured;
use super::figures::{EncoderCase, Prompt};
use super::randn::randn;
use crate::cli::answers::{self, About, LayerFeatures};
use crate::cli::open::{self, Ran};
use crate::cli::session::{Session, unexpected};
use crate::session::protocol::{
    Change, CommandBody, Failure, Input, Outcome, Partial, Probability, What, Write,
};
use crate::spec::{Positions, Site, gemma};

/// Tokens told of a distribution; ranks beyond are not looked for.
const TOP_K: usize = 50;
const BOS_ALONE: Positions = Positions::Span(0, 0);

/// What is measured of a prompt.
pub struct OfPrompt {
    /// The most probable next tokens, and those asked for.
    pub next: Measured<(Vec<Probability>, Vec<Probability>)>,
    pub features: Measured<Vec<LayerFeatures>>,
    /// The stream at the last position.
    pub stream: Measured<Vec<f32>>,
}

/// Active features of an encoder on a vector, as (feature, activation).
///
/// The vector is put in place of what the transcoder of that layer reads at BOS.
pub fn encode(
    session: &mut Session,
    case: &EncoderCase,
    d_model: usize,
) -> Measured<Vec<(usize, f32)>> {
    let write = Write {
        site: Site::Ln2Normalized(case.layer),
        positions: BOS_ALONE,
        change: Change::Replace(randn(case.seed, d_model)),
    };
    let mut ask = || {
        let ran = open::run(
            session,
            Input::Ids(vec![gemma::BOS]),
            vec![],
            vec![write.clone()],
        )?;
        let about = About {
            run: ran.run,
            positions: BOS_ALONE,
        };
        answers::features(session, &about, Some(vec![case.layer]))
    };
    let found = ask().map_err(words)?;
    let active = found.iter().flat_map(|it| &it.active);
    Ok(active.map(|it| (it.index, it.activation)).collect())
}

/// Ids that the open model's tokenizer makes of a text.
pub fn tokenize(session: &mut Session, text: &str) -> Measured<Vec<u32>> {
    let body = CommandBody::Tokenize {
        text: text.into(),
        tokenizer: None,
    };
    match session.call(body).map_err(words)? {
        Outcome::Tokens(it) => Ok(it.iter().map(|it| it.id).collect()),
        other => Err(words(unexpected(&other))),
    }
}

/// All that the figures say of a prompt.
pub fn prompt(session: &mut Session, figure: &Prompt) -> OfPrompt {
    let want: Vec<Site> = figure.residual.iter().map(|it| it.site).collect();
    let input = Input::Ids(figure.ids.clone());
    match open::run(session, input, want.clone(), vec![]) {
        Ok(ran) => OfPrompt {
            next: next(session, &ran, figure).map_err(words),
            features: features(session, &ran, figure).map_err(words),
            stream: stream(session, &ran, want).map_err(words),
        },
        Err(it) => {
            let why = words(it);
            OfPrompt {
                next: Err(why.clone()),
                features: Err(why.clone()),
                stream: Err(why),
            }
        }
    }
}

fn next(
    session: &mut Session,
    ran: &Ran,
    figure: &Prompt,
) -> Result<(Vec<Probability>, Vec<Probability>), Failure> {
    let asked = figure.probabilities.iter().flat_map(|it| &it.tokens);
    let asked: Vec<u32> = asked.map(|it| it.0).collect();
    if asked.is_empty() && figure.rank.is_none() {
        return Ok((vec![], vec![]));
    }
    let told = answers::probs(session, &last(ran), TOP_K, asked)?;
    let mut both = told.into_iter().map(|it| (it.top, it.asked));
    Ok(both.next().unwrap_or_default())
}

fn features(
    session: &mut Session,
    ran: &Ran,
    figure: &Prompt,
) -> Result<Vec<LayerFeatures>, Failure> {
    if figure.n_active.is_none() && figure.firing.is_none() {
        return Ok(vec![]);
    }
    let about = About {
        run: ran.run.clone(),
        positions: Positions::All,
    };
    answers::features(session, &about, None)
}

fn stream(session: &mut Session, ran: &Ran, want: Vec<Site>) -> Result<Vec<f32>, Failure> {
    let mut out = Vec::new();
    if want.is_empty() {
        return Ok(out);
    }
    session.call_with(last(ran).ask(What::Site(want)), &mut |it, parts| {
        if let Partial::Site { array, .. } = it {
            out.extend(answers::f32s(&array, &parts)?);
        }
        Ok(())
    })?;
    Ok(out)
}

fn last(ran: &Ran) -> About {
    let last = ran.tokens.len().saturating_sub(1);
    About {
        run: ran.run.clone(),
        positions: Positions::Span(last, last),
    }
}

fn words(it: Failure) -> String {
    it.what
}
