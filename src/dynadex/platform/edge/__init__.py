"""The edge: one local address that stands for the public name of a service in several regions.

- `settings`: what it stands for, read from a file that operations write;
- `checks`: the regions' health checks, as Route 53 makes them;
- `passing`: a request on its way to a region's API, and the answer back;
- `application`: which path is what; the page's files; who may ask.

On AWS this is Route 53 (which region), API Gateway's custom domain names (the way to it) and CloudFront (the page).
"""
