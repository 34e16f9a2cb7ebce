//! One address of a server, read whole: a labels file, an answer about a single feature. Leaves their meaning to who asks.

use super::{
    HubError, Net,
    answer::{self, Asked},
    exchange::{self, Question},
    retry::{Failure, Retry, Trouble},
};
use crate::spec::{Endpoint, neuronpedia};
use futures_util::future::{Either, select};
use std::{pin::pin, rc::Rc};

/// Bytes of an answer about a single feature at most; usual ones have some hundred kilobytes.
const MAX_FEATURE_BYTES: usize = 4 << 20;

/// What is read whole.
struct Page<'a> {
    endpoint: &'a Endpoint,
    url: &'a str,
    /// For messages.
    what: &'a str,
    most_bytes: usize,
    /// As [`Question::alone`].
    alone: bool,
}

impl Net {
    /// Whether a server may be asked at all.
    pub fn may_ask(&self, endpoint: &Endpoint) -> bool {
        self.check_endpoint(endpoint).is_ok()
    }

    /// Whom this installation asks about single features.
    ///
    /// Errors: [`HubError::NobodyTold`] where it asks nobody.
    pub fn teller(&self) -> Result<Endpoint, HubError> {
        self.of_features().ok_or(HubError::NobodyTold)
    }

    /// What stands at an absolute address, at most so many bytes; asked for as often as it takes. `told` hears how much has come, and
    /// of how much, where the server says that.
    ///
    /// Errors: [`HubError::OffTable`] for a server that may not be asked; [`HubError::TooLong`]; those of the server.
    pub async fn whole(
        self: &Rc<Self>,
        url: &str,
        most_bytes: usize,
        told: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Vec<u8>, HubError> {
        let endpoint = Endpoint::of(url).ok_or_else(|| HubError::Address {
            address: url.into(),
            detail: "it does not begin with http:// or https:// and a host".into(),
        })?;
        self.check_endpoint(&endpoint)?;
        let page = Page {
            endpoint: &endpoint,
            url,
            what: url.split(['?', '#']).next().unwrap_or_default(),
            most_bytes,
            alone: false,
        };
        let mut retry = Retry::new(self.clone(), page.what, self.config.attempts_to_open);
        loop {
            match self.page(&page, told).await {
                Ok(it) => return Ok(it),
                Err(failure) => retry.again(failure).await?,
            }
        }
    }

    /// What the server that is asked about features says of one, by its name there. It is asked once: somebody is waiting, and may ask
    /// again.
    ///
    /// Errors: [`HubError::NobodyTold`]; [`HubError::RateLimited`]; [`HubError::GaveUp`] without a network, or after
    /// [`super::HubConfig::answer_millis`]; [`HubError::TooLong`]; those of the server.
    pub async fn feature(self: &Rc<Self>, name: &str) -> Result<Vec<u8>, HubError> {
        let endpoint = self.teller()?;
        let url = format!("{endpoint}{}{name}", neuronpedia::FEATURES);
        let page = Page {
            endpoint: &endpoint,
            url: &url,
            what: name,
            most_bytes: MAX_FEATURE_BYTES,
            alone: true,
        };
        let retry = Retry::new(self.clone(), name, 1);
        let millis = self.config.answer_millis;
        let mut told = |_, _| ();
        let asked = pin!(self.page(&page, &mut told));
        let failure = match select(asked, self.clock.sleep(millis)).await {
            Either::Left((it, _)) => match it {
                Ok(it) => return Ok(it),
                Err(it) => it,
            },
            Either::Right(_) => Failure::Again(Trouble::Stalled),
        };
        Err(retry.end(failure))
    }

    async fn page(
        &self,
        page: &Page<'_>,
        told: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Vec<u8>, Failure> {
        let Page { endpoint, what, .. } = *page;
        let question = Question {
            endpoint,
            url: page.url,
            range: None,
            accept: Some("application/json"),
            what,
            alone: page.alone,
        };
        let mut response = exchange::ask(self, &question, |_| Ok(())).await?;
        if let Some(trouble) = answer::trouble(&response) {
            return Err(trouble.into());
        }
        let place = endpoint.to_string();
        if response.status == 404 {
            let file = what.into();
            return Err(HubError::NotFound { file, place }.into());
        }
        if response.status != 200 {
            let asked = Asked {
                repo: &place,
                revision: "",
                what,
                with_token: self.has_token(endpoint) && !page.alone,
            };
            return Err(answer::refusal(&asked, response.status, &response.headers).into());
        }
        if answer::is_page(&response.headers) {
            let file = what.into();
            return Err(HubError::NotData { file }.into());
        }
        let most_bytes = page.most_bytes;
        let text = exchange::whole(self, &mut response, most_bytes, told).await?;
        let file = what.into();
        text.ok_or_else(|| HubError::TooLong { file, most_bytes }.into())
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
